import { POSTGRES_NOW } from './postgres-dialect.js';

/**
 * The buckets of `rate-rules.ts` of the core, for many calls in one round trip. It answers what lay in the buckets before
 * each call, and the time; the verdict follows from them by the rules themselves. Levels are doubles, as they are there.
 */
export function ratesFunction(schema: string): string {
  const s = schema;
  return `
create function ${s}.move_rates(calls jsonb, at bigint) returns jsonb
language plpgsql as $function$
declare
  now_ms bigint;
  call jsonb;
  bucket ${s}.rates;
  lock_key bigint;
  before jsonb;
  answers jsonb[] := '{}';
  requests_limit double precision;
  tokens_limit double precision;
  requests_wanted double precision;
  tokens_wanted double precision;
  elapsed double precision;
begin
  for lock_key in select distinct hashtextextended('${s}.rates.' || (value ->> 'id'), 0) as k
    from jsonb_array_elements(calls) order by k
  loop
    perform pg_advisory_xact_lock(lock_key);
  end loop;
  now_ms := ${POSTGRES_NOW.replace('?', 'at')};
  for call in select value from jsonb_array_elements(calls) loop
    requests_limit := (call ->> 'requests_per_minute')::double precision;
    tokens_limit := (call ->> 'tokens_per_minute')::double precision;
    requests_wanted := case when requests_limit is null then 0 else (call ->> 'requests')::double precision * 60000 end;
    tokens_wanted := case when tokens_limit is null then 0 else (call ->> 'tokens')::double precision * 60000 end;
    select * into bucket from ${s}.rates r where r.id = call ->> 'id';
    if found then
      before := jsonb_build_object('requests', bucket.requests, 'tokens', bucket.tokens, 'at', bucket.at);
      elapsed := greatest(0, least(now_ms - bucket.at, 60000000));
      bucket.requests := least(coalesce(requests_limit, 0) * 60000, bucket.requests + elapsed * coalesce(requests_limit, 0));
      bucket.tokens := least(coalesce(tokens_limit, 0) * 60000, bucket.tokens + elapsed * coalesce(tokens_limit, 0));
      bucket.at := greatest(now_ms, bucket.at);
    else
      before := null;
      bucket := row(call ->> 'id', coalesce(requests_limit, 0) * 60000, coalesce(tokens_limit, 0) * 60000, now_ms);
    end if;
    if not (call ->> 'take')::boolean then
      bucket.requests := least(coalesce(requests_limit, 0) * 60000, bucket.requests - requests_wanted);
      bucket.tokens := least(coalesce(tokens_limit, 0) * 60000, bucket.tokens - tokens_wanted);
    elsif (requests_wanted = 0 or bucket.requests >= requests_wanted)
      and (tokens_wanted = 0 or bucket.tokens >= tokens_wanted)
    then
      bucket.requests := bucket.requests - requests_wanted;
      bucket.tokens := bucket.tokens - tokens_wanted;
    end if;
    insert into ${s}.rates select bucket.*
      on conflict (id) do update set requests = excluded.requests, tokens = excluded.tokens, at = excluded.at;
    answers := answers || jsonb_build_object('before', before, 'now', now_ms);
  end loop;
  return to_jsonb(answers);
end
$function$;
`;
}
