/** What `gatehouse --help` prints. */
export const USAGE = `Keys, credits and usage of a Gatehouse gateway, on its database.

  gatehouse keys create --name NAME [--scopes inference|management|SCOPE,…] [--limit USD]
                        [--limit-reset daily|weekly|monthly] [--models GLOB,…] [--expires ISO-TIME]
                        [--requests-per-minute N] [--tokens-per-minute N] [--tags TAG,…]
  gatehouse keys list [--all]
  gatehouse keys revoke HASH
  gatehouse credits grant --amount USD --id EXTERNAL-ID [--note TEXT]
  gatehouse credits show
  gatehouse usage [--start DATE] [--end DATE] [--granularity hour|day|month|all]
                  [--group-by model,provider,key,user,app,tag] [--json]
  gatehouse audit
  gatehouse move --to URL        from the SQLite file of --db to an empty Postgres; keys stay good

Everywhere:
  --db PLACE       a SQLite file, or a postgres:// URL (default: GATEHOUSE_DB, else gatehouse.db)
  --account NAME   whose (default: default)
  --help           this text

The text of a new key is printed once and kept nowhere. A management key (--scopes management) manages
keys over HTTP; it cannot chat. The same --id twice is one grant.`;
