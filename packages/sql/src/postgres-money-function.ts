import { POSTGRES_NOW, postgresMonth } from './postgres-dialect.js';

const ACCOUNT_COLUMNS = ['granted', 'charged', 'held', 'limited', 'requests', 'prompt_tokens', 'completion_tokens'];
const SPENDER_COLUMNS = [
  ...['day', 'week', 'month'],
  ...['total_posted', 'day_posted', 'week_posted', 'month_posted'],
  ...['total_held', 'day_held', 'week_held', 'month_held'],
];

/**
 * The rules of the ledger (`ledger-rules.ts` of the core) in the database's own language, for many calls in one round trip
 * and one transaction. Each call has its own verdict; the model-based test holds both versions against a third.
 *
 * It first takes the accounts' locks in one order, then the spenders'; they are advisory, since rows that are not there yet
 * need one too. Sums are read once and written once, however many calls are in it.
 */
export function moneyFunction(schema: string): string {
  const s = schema;
  return `
create function ${s}.move_money(calls jsonb, account_ids text[], spender_ids text[], at bigint) returns jsonb
language plpgsql as $function$
declare
  now_ms bigint;
  this_day bigint;
  this_week bigint;
  this_month bigint;
  accounts ${s}.accounts[] := '{}';
  spenders ${s}.spenders[] := '{}';
  changed_accounts boolean[] := '{}';
  changed_spenders boolean[] := '{}';
  account ${s}.accounts;
  spender ${s}.spenders;
  hold ${s}.holds;
  generation ${s}.generations;
  entry ${s}.ledger;
  lock_key bigint;
  call jsonb;
  kind text;
  a integer;
  p integer;
  live boolean;
  amount numeric;
  part numeric;
  credits numeric;
  room numeric;
  cause text;
  charge bigint;
  verdicts jsonb[] := '{}';
  verdict jsonb;
begin
  for lock_key in select distinct hashtextextended('${s}.accounts.' || id, 0) as k from unnest(account_ids) id order by k loop
    perform pg_advisory_xact_lock(lock_key);
  end loop;
  for lock_key in select distinct hashtextextended('${s}.spenders.' || id, 0) as k from unnest(spender_ids) id order by k loop
    perform pg_advisory_xact_lock(lock_key);
  end loop;

  now_ms := ${POSTGRES_NOW.replace('?', 'at')};
  this_day := now_ms - now_ms % 86400000;
  this_week := this_day - ((this_day / 86400000 + 3) % 7) * 86400000;
  this_month := ${postgresMonth('now_ms')};

  for i in 1 .. cardinality(account_ids) loop
    select * into account from ${s}.accounts where id = account_ids[i];
    if not found then account := row(account_ids[i], 0, 0, 0, 0, 0, 0, 0); end if;
    accounts[i] := account;
    changed_accounts[i] := false;
  end loop;
  for i in 1 .. cardinality(spender_ids) loop
    select * into spender from ${s}.spenders where id = spender_ids[i];
    if not found then spender := row(spender_ids[i], 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0); end if;
    -- A clock that goes back brings no window back.
    if this_day > spender.day then spender.day := this_day; spender.day_posted := 0; spender.day_held := 0; end if;
    if this_week > spender.week then spender.week := this_week; spender.week_posted := 0; spender.week_held := 0; end if;
    if this_month > spender.month then spender.month := this_month; spender.month_posted := 0; spender.month_held := 0; end if;
    spenders[i] := spender;
    changed_spenders[i] := false;
  end loop;

  for call in select value from jsonb_array_elements(calls) loop
    kind := call ->> 'call';
    a := (call ->> 'a')::integer;
    p := (call ->> 'p')::integer;
    account := accounts[a];
    if p is not null then spender := spenders[p]; end if;
    verdict := 'false'::jsonb;

    if kind = 'reserve' then
      amount := (call ->> 'amount')::numeric;
      credits := case when account.limited = 1 or (call ->> 'credits_required')::boolean
        then account.granted::numeric - account.charged - account.held end;
      room := case when p is not null then (call ->> 'limit')::numeric - case call ->> 'reset'
        when 'daily' then spender.day_posted + spender.day_held
        when 'weekly' then spender.week_posted + spender.week_held
        when 'monthly' then spender.month_posted + spender.month_held
        else spender.total_posted + spender.total_held end end;
      part := amount * (call ->> 'share')::numeric;
      cause := case
        when amount = 0 then null
        when amount > room then 'limit'
        when amount > credits then 'credits'
        when part > room or part > credits then 'share' end;
      if cause is null then
        hold := jsonb_populate_record(null::${s}.holds, call -> 'hold');
        hold.state := 'held';
        hold.swept := 0;
        hold.charged := 0;
        hold.checkpoint := 0;
        hold.amount := amount;
        hold.dispatched_at := case when hold.attempt is not null then now_ms end;
        hold.created_at := now_ms;
        hold.expires_at := now_ms + (call ->> 'ttl')::bigint;
        hold.day := case when p is null then this_day else spender.day end;
        hold.week := case when p is null then this_week else spender.week end;
        hold.month := case when p is null then this_month else spender.month end;
        insert into ${s}.holds select hold.*;
        account.held := account.held + hold.amount;
        accounts[a] := account;
        changed_accounts[a] := true;
        if p is not null then
          spender.total_held := spender.total_held + hold.amount;
          spender.day_held := spender.day_held + hold.amount;
          spender.week_held := spender.week_held + hold.amount;
          spender.month_held := spender.month_held + hold.amount;
          spenders[p] := spender;
          changed_spenders[p] := true;
        end if;
        verdict := '{"held": true}'::jsonb;
      else
        verdict := jsonb_build_object('held', false, 'cause', cause, 'credits', credits::text, 'limit', room::text);
      end if;

    elsif kind = 'dispatch' then
      update ${s}.holds h set attempt = (call ->> 'attempt')::integer, endpoint = call ->> 'endpoint',
        price = call ->> 'price', input_floor = (call ->> 'input_floor')::bigint, dispatched_at = now_ms
        where h.id = call ->> 'id' and h.account = account_ids[a] and h.state = 'held';
      verdict := to_jsonb(found);

    elsif kind = 'checkpoint' then
      update ${s}.holds h set checkpoint = (call ->> 'charge')::bigint
        where h.id = call ->> 'id' and h.account = account_ids[a] and h.state = 'held';

    elsif kind = 'grant' then
      select * into entry from ${s}.ledger l where l.external_id = call ->> 'external_id';
      if found then
        verdict := to_jsonb(case when entry.account = account.id and entry.amount = (call ->> 'amount')::bigint
          then 'repeated' else 'conflict' end);
      else
        insert into ${s}.ledger (kind, account, day, amount, cost, external_id, note, at) values
          ('grant', account.id, this_day, (call ->> 'amount')::bigint, 0, call ->> 'external_id', call ->> 'note', now_ms);
        account.granted := account.granted + (call ->> 'amount')::bigint;
        account.limited := 1;
        accounts[a] := account;
        changed_accounts[a] := true;
        verdict := '"granted"'::jsonb;
      end if;

    else
      select * into hold from ${s}.holds h where h.id = call ->> 'id' and h.account = account_ids[a]
        and h.spender is not distinct from spender_ids[p] for update;
      live := found and hold.state = 'held';
      generation := null;
      charge := null;
      if kind = 'expire' and live then
        -- Another sweep, or its own process, may have been faster, or its process lives again.
        live := hold.expires_at <= now_ms or (call ->> 'dead_after')::bigint + coalesce(
          (select i.lease_until from ${s}.instances i where i.id = hold.owner), hold.created_at) <= now_ms;
      end if;

      if kind = 'settle' and hold.id is null then
        verdict := to_jsonb(case when exists (select 1 from ${s}.ledger l where l.hold = call ->> 'id' and l.kind = 'charge')
          then 'repeated' else 'unknown' end);
      elsif kind = 'settle' and not live and hold.swept = 0 then
        verdict := '"repeated"'::jsonb;
      elsif kind = 'settle' then
        generation := jsonb_populate_record(null::${s}.generations, call -> 'record');
        charge := least((call ->> 'charge')::numeric, hold.amount)::bigint;
        verdict := to_jsonb(case when live then 'settled' else 'corrected' end);
      elsif live and kind = 'expire' and hold.attempt is not null and hold.draft is not null then
        generation := jsonb_populate_record(null::${s}.generations, hold.draft::jsonb);
        charge := case call ->> 'policy' when 'free' then 0 when 'hold' then hold.amount
          else least(greatest(hold.checkpoint, hold.input_floor), hold.amount) end;
        generation.outcome := 'crashed';
        generation.cost := charge;
        verdict := 'true'::jsonb;
      elsif live then
        update ${s}.holds h set state = 'voided', draft = null where h.id = hold.id;
        verdict := 'true'::jsonb;
      end if;

      if live then
        account.held := account.held - hold.amount;
        accounts[a] := account;
        changed_accounts[a] := true;
        if p is not null then
          spender.total_held := spender.total_held - hold.amount;
          if spender.day = hold.day then spender.day_held := spender.day_held - hold.amount; end if;
          if spender.week = hold.week then spender.week_held := spender.week_held - hold.amount; end if;
          if spender.month = hold.month then spender.month_held := spender.month_held - hold.amount; end if;
          spenders[p] := spender;
          changed_spenders[p] := true;
        end if;
      end if;

      if charge is not null then
        generation.id := hold.id;
        generation.account := hold.account;
        generation.spender := hold.spender;
        generation.charge := charge;
        insert into ${s}.ledger (kind, account, spender, day, amount, cost, hold, at) values
          (case when live then 'charge' else 'correction' end, hold.account, hold.spender, hold.day,
          charge - hold.charged, generation.cost, hold.id, now_ms) returning n into generation.n;
        if not live then
          select l.n into generation.n from ${s}.ledger l where l.hold = hold.id and l.kind = 'charge';
          delete from ${s}.generations g where g.n = generation.n;
        end if;
        insert into ${s}.generations select generation.*;
        if kind = 'expire' then
          update ${s}.holds h set state = 'settled', swept = 1, charged = charge, draft = null where h.id = hold.id;
        else
          delete from ${s}.holds h where h.id = hold.id;
        end if;
        account.charged := account.charged + charge - hold.charged;
        account.requests := account.requests + case when live then 1 else 0 end;
        account.prompt_tokens := account.prompt_tokens + generation.prompt_tokens;
        account.completion_tokens := account.completion_tokens + generation.completion_tokens;
        accounts[a] := account;
        changed_accounts[a] := true;
        if p is not null then
          spender.total_posted := spender.total_posted + charge - hold.charged;
          if spender.day = hold.day then spender.day_posted := spender.day_posted + charge - hold.charged; end if;
          if spender.week = hold.week then spender.week_posted := spender.week_posted + charge - hold.charged; end if;
          if spender.month = hold.month then spender.month_posted := spender.month_posted + charge - hold.charged; end if;
          spenders[p] := spender;
          changed_spenders[p] := true;
        end if;
      end if;
    end if;
    verdicts := verdicts || verdict;
  end loop;

  insert into ${s}.accounts select ${listed(ACCOUNT_COLUMNS)}
    from unnest(accounts, changed_accounts) as one (${listed(ACCOUNT_COLUMNS)}, changed) where changed
    on conflict (id) do update set ${updates(ACCOUNT_COLUMNS)};
  insert into ${s}.spenders select ${listed(SPENDER_COLUMNS)}
    from unnest(spenders, changed_spenders) as one (${listed(SPENDER_COLUMNS)}, changed) where changed
    on conflict (id) do update set ${updates(SPENDER_COLUMNS)};
  return to_jsonb(verdicts);
end
$function$;
`;
}

/** The columns of a table in its own order, which the rows of the arrays have too. */
function listed(columns: readonly string[]): string {
  return ['id', ...columns].join(', ');
}

function updates(columns: readonly string[]): string {
  return columns.map((column) => `${column} = excluded.${column}`).join(', ');
}
