-- Question: what do customers ask about?
-- Needs: transcripts.
-- How to read it: sentences of external speakers that end in a question mark, by the topic that Gong heard (null: none);
-- per_call is the mean over calls where anything was asked on that topic, latest one example.
SELECT
    topic,
    count(*) AS questions,
    count(DISTINCT call_id) AS calls,
    round(count(*) / count(DISTINCT call_id), 2) AS per_call,
    arg_max(text, (call_started_at, call_id, sentence_index)) AS latest
FROM transcripts
WHERE speaker_affiliation = 'External' AND suffix(rtrim(text), '?')
    AND call_date >= coalesce(getvariable('from_date'), current_date - 90)
    AND call_date < coalesce(getvariable('to_date'), current_date)
GROUP BY topic
ORDER BY questions DESC, topic NULLS LAST;
