CREATE OR REPLACE MACRO search_calls(words, from_date := NULL, to_date := NULL) AS TABLE
WITH asked AS (
    SELECT DISTINCT unnest(regexp_extract_all(strip_accents(lower(words)), '[\p{L}\p{N}]+\*?')) AS word
),
held AS (
    SELECT call_id, call_started_at, {partition}, title, url FROM calls WHERE {in_range}
),
said AS (
    SELECT call_id, sentence_index, start_ms, speaker_name, text, strip_accents(lower(text)) AS folded
    FROM {transcripts} WHERE {in_range} AND text IS NOT NULL
),
fields AS (
    SELECT call_id, NULL::BIGINT AS sentence_index, 4.0 AS weight, strip_accents(lower(title)) AS folded
    FROM held WHERE title IS NOT NULL
    UNION ALL
    SELECT call_id, NULL, 3.0, strip_accents(lower(name)) FROM {call_topics} WHERE {in_range} AND name IS NOT NULL
    UNION ALL
    SELECT call_id, NULL, 3.0, strip_accents(lower(name))
    FROM {call_trackers} WHERE {in_range} AND count > 0 AND name IS NOT NULL
    UNION ALL
    -- Most sentences hold nothing that was asked for; only the others are cut into words.
    SELECT call_id, sentence_index, 1.0, folded FROM said
    WHERE regexp_matches(folded, (SELECT coalesce(string_agg(rtrim(word, '*'), '|'), '$^') FROM asked))
),
occurrences AS (
    SELECT spoken.call_id, spoken.sentence_index, spoken.weight, asked.word
    FROM (SELECT call_id, sentence_index, weight, unnest(regexp_extract_all(folded, '[\p{L}\p{N}]+')) AS token
          FROM fields) AS spoken
    JOIN asked ON spoken.token = asked.word
        OR (suffix(asked.word, '*') AND starts_with(spoken.token, rtrim(asked.word, '*')))
),
-- Long calls hold more of every word; how long one is, is told by what was said and its title.
lengths AS (
    SELECT call_id, coalesce(any_value(length(title)), 0) + coalesce(sum(length(said.text)), 0) AS chars
    FROM held LEFT JOIN said USING (call_id) GROUP BY call_id
),
averages AS (
    SELECT count(*) AS calls, greatest(avg(chars), 1) AS chars FROM lengths
),
rarities AS (
    SELECT word, ln(1 + (any_value(calls) - count(DISTINCT call_id) + 0.5) / (count(DISTINCT call_id) + 0.5)) AS rarity
    FROM occurrences SEMI JOIN held USING (call_id) CROSS JOIN averages GROUP BY word
),
-- BM25 with k1 = 1.2 and b = 0.75.
scores AS (
    SELECT call_id, sum(rarity * often * 2.2 / (often + 1.2 * (0.25 + 0.75 * lengths.chars / averages.chars))) AS score,
        list(word ORDER BY word) AS words_found
    FROM (SELECT call_id, word, sum(weight) AS often FROM occurrences GROUP BY call_id, word)
    JOIN rarities USING (word) JOIN lengths USING (call_id) CROSS JOIN averages
    GROUP BY call_id
),
-- The sentence with the rarest of the words, of several the first.
snippets AS (
    SELECT call_id, arg_max(sentence_index, (rarity, -sentence_index)) AS sentence_index
    FROM (SELECT call_id, sentence_index, sum(rarity) AS rarity
          FROM (SELECT DISTINCT call_id, sentence_index, word FROM occurrences WHERE sentence_index IS NOT NULL)
          JOIN rarities USING (word) GROUP BY call_id, sentence_index)
    GROUP BY call_id
)
SELECT
    held.call_id, held.call_started_at, held.{partition}, held.title, round(score, 3) AS score, words_found,
    said.text AS snippet, said.speaker_name AS snippet_speaker, mm_ss(said.start_ms) AS snippet_at,
    said.start_ms AS snippet_start_ms, held.url
FROM scores
JOIN held USING (call_id)
LEFT JOIN snippets USING (call_id)
LEFT JOIN said ON said.call_id = scores.call_id AND said.sentence_index = snippets.sentence_index
ORDER BY score DESC, held.call_started_at DESC, held.call_id;
COMMENT ON MACRO TABLE search_calls IS 'Calls of from_date to before to_date (NULL: no bound) that hold any of these words, best first. Case and accents do not matter; a word is matched whole, one that ends in * by its beginning. Weights: title 4, topics and trackers that were met 3, a sentence 1; score by BM25 over the range, so rare words count more and long calls less, and scores of different ranges do not compare. snippet: the sentence with the rarest of the words, null when only title, topics or trackers hold them.';
