-- Question: which open deals has nobody called for two weeks?
-- Needs: calls, call_crm_fields (group crm), parties.
-- How to read it: a deal is an opportunity or deal that Gong linked to a call of the range; its stage is what the CRM
-- said at the export of the last call. silent_days counts to the end of the range. Deals without an id cannot be told
-- apart and are left out. Other CRMs name the stage otherwise: see DISTINCT field_name of call_crm_fields.
WITH stages AS (
    SELECT object_id AS id, arg_max(value_text, (call_started_at, call_id)) AS stage
    FROM call_crm_fields
    WHERE lower(field_name) IN ('stagename', 'dealstage') AND coalesce(timing, 'Now') = 'Now'
        AND call_date >= coalesce(getvariable('from_date'), current_date - 180)
        AND call_date < coalesce(getvariable('to_date'), current_date)
    GROUP BY id
)
SELECT
    id AS deal_id,
    arg_max(name, (call_started_at, call_id)) AS deal,
    any_value(stage) AS stage,
    count(*) AS calls,
    max(call_date) AS last_call,
    date_diff('day', max(call_date), coalesce(getvariable('to_date'), current_date)) AS silent_days
FROM call_accounts LEFT JOIN stages USING (id)
WHERE kind = 'deal' AND id IS NOT NULL
    AND call_date >= coalesce(getvariable('from_date'), current_date - 180)
    AND call_date < coalesce(getvariable('to_date'), current_date)
GROUP BY id
HAVING coalesce(any_value(stage), '') NOT ILIKE 'closed%' AND silent_days > 14
ORDER BY silent_days DESC, deal_id;
