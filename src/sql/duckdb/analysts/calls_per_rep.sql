CREATE OR REPLACE MACRO calls_per_rep(per := 'week', from_date := NULL, to_date := NULL) AS TABLE
WITH hosted AS (
    SELECT *, date_trunc(per, {day})::DATE AS period FROM calls WHERE {in_range} AND primary_user_id IS NOT NULL
),
names AS (
    SELECT user_id, concat_ws(' ', first_name, last_name) AS rep
    FROM {users} QUALIFY row_number() OVER (PARTITION BY user_id ORDER BY snapshot_date DESC) = 1
)
SELECT
    period,
    primary_user_id AS user_id,
    any_value(rep) AS rep,
    count(*) AS calls,
    count(*) FILTER (WHERE scope = 'External') AS external_calls,
    round(sum(duration_s) / 3600, 2) AS hours
FROM hosted LEFT JOIN names ON names.user_id = primary_user_id
GROUP BY period, primary_user_id
ORDER BY period, calls DESC, user_id;
COMMENT ON MACRO TABLE calls_per_rep IS 'Calls that each rep hosted, per week (from Monday) or with per := ''month'' (''day'', ''quarter'', ''year''), of from_date to before to_date (NULL: no bound). Weeks and months that the range cuts are counted in part.';
