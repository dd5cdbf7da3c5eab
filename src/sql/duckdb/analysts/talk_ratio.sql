CREATE OR REPLACE MACRO talk_ratio(from_date := NULL, to_date := NULL) AS TABLE
WITH heard AS (
    SELECT
        *,
        sum(talk_time_s) OVER (PARTITION BY call_id) AS call_talk_time_s,
        coalesce(sum(talk_time_s) FILTER (WHERE affiliation = 'External') OVER (PARTITION BY call_id), 0)
            AS external_talk_time_s
    FROM {parties} WHERE {in_range}
)
SELECT
    heard.call_id, heard.call_started_at, heard.{partition}, held.title, user_id, name AS rep,
    user_id = primary_user_id AS is_host, talk_time_s, external_talk_time_s, call_talk_time_s,
    talk_time_s / nullif(call_talk_time_s, 0) AS talk_ratio
FROM heard
JOIN (SELECT call_id, title, primary_user_id FROM calls WHERE {in_range}) AS held USING (call_id)
WHERE user_id IS NOT NULL AND talk_time_s IS NOT NULL
ORDER BY heard.call_started_at, heard.call_id, party_index;
COMMENT ON MACRO TABLE talk_ratio IS 'How much of a call''s talking each rep did: a row for each call of from_date to before to_date (NULL: no bound) and each user of Gong who spoke. talk_ratio: 0 to 1, of all that anybody said; calls without external_talk_time_s are internal or were not answered.';
