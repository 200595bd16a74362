package store

import (
	"slices"
	"testing"
)

// Every table that says whose its rows are is emptied of an account, by itself or with what
// it refers to; but for the tombstone.
func TestErasingKnowsEveryTable(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	left := rowsOf(t, s, `SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'account_id' AND NOT a.attisdropped
		WHERE c.relnamespace = current_schema()::text::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
		AND NOT EXISTS (SELECT FROM pg_constraint f WHERE f.conrelid = c.oid AND f.contype = 'f' AND f.confdeltype = 'c') ORDER BY 1`)
	for _, table := range left {
		if table != "erased_accounts" && table != "holds" && !slices.Contains(ofAccount, table) {
			t.Errorf("table %s holds an account's rows and is not erased", table)
		}
	}
	if len(left) < 15 {
		t.Errorf("only %v", left)
	}
}
