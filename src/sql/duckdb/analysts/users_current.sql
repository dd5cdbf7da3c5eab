CREATE OR REPLACE VIEW users_current AS
SELECT * FROM users WHERE snapshot_date = (SELECT max(snapshot_date) FROM users);
COMMENT ON VIEW users_current IS 'The latest snapshot of users: one row a user.';
