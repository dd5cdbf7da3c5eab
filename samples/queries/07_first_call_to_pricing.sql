-- Question: how long after the first call with an account do we talk about price?
-- Needs: calls, parties, call_topics (group content), a topic whose name begins with Pricing; call_crm_fields makes it
-- better.
-- How to read it: a row an account, the slowest first; days is null where price has not come up yet. Begin the range
-- well before the accounts that you look at, or their first call is not in it.
WITH met AS (
    SELECT call_id, call_date, id, name FROM call_accounts
    WHERE kind = 'account' AND id IS NOT NULL
        AND call_date >= coalesce(getvariable('from_date'), current_date - 365)
        AND call_date < coalesce(getvariable('to_date'), current_date)
),
priced AS (
    SELECT DISTINCT call_id, call_date FROM call_topics
    WHERE name ILIKE 'pricing%'
        AND call_date >= coalesce(getvariable('from_date'), current_date - 365)
        AND call_date < coalesce(getvariable('to_date'), current_date)
)
SELECT
    id AS account_id,
    any_value(name) AS account,
    count(DISTINCT met.call_id) AS calls,
    min(met.call_date) AS first_call,
    min(priced.call_date) AS first_about_price,
    date_diff('day', min(met.call_date), min(priced.call_date)) AS days
FROM met LEFT JOIN priced USING (call_id, call_date)
GROUP BY id
ORDER BY days DESC NULLS LAST, account_id;
