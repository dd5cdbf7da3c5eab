-- Question: what was promised to a customer and never followed by another call?
-- Needs: calls, parties, call_highlights (group content); call_crm_fields makes it better.
-- How to read it: a row a next step that Gong heard in a call at least a week before the end of the range, where no
-- later call of the range was with the same account (by the CRM, else by e-mail domain: a call that nobody linked in the
-- CRM does not count as one with the CRM's account). Steps that were taken by mail do not show.
WITH met AS (
    SELECT call_id, call_started_at, call_date, id, name FROM call_accounts
    WHERE kind = 'account' AND id IS NOT NULL
        AND call_date >= coalesce(getvariable('from_date'), current_date - 60)
        AND call_date < coalesce(getvariable('to_date'), current_date)
),
last_met AS (
    SELECT id, max(call_started_at) AS last_call_at FROM met GROUP BY id
)
SELECT DISTINCT met.call_date, met.name AS account, call_id, text AS promised
FROM met
JOIN call_highlights USING (call_id, call_date)
WHERE call_highlights.title ILIKE 'next step%' AND text IS NOT NULL
    AND met.call_date >= coalesce(getvariable('from_date'), current_date - 60)
    AND met.call_date < coalesce(getvariable('to_date'), current_date) - 7
    AND call_id NOT IN (
        SELECT followed.call_id FROM met AS followed JOIN last_met USING (id) WHERE last_call_at > followed.call_started_at)
ORDER BY met.call_date, call_id, account, promised;
