package store

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// shifted scans one more column before those that the inner scan knows.
type shifted struct {
	rows  pgx.Rows
	first any
}

func (s shifted) Scan(dest ...any) error { return s.rows.Scan(append([]any{s.first}, dest...)...) }

// prefixed puts a table's alias before every column of a list.
func prefixed(alias, columns string) string {
	names := strings.Split(columns, ",")
	for i, n := range names {
		names[i] = alias + "." + strings.TrimSpace(n)
	}
	return strings.Join(names, ", ")
}

// errColumn marks a row that this version cannot read.
var errColumn = errors.New("it cannot be read")

// decode reads a JSON column.
func decode(column string, b []byte, into any) error {
	if err := json.Unmarshal(b, into); err != nil {
		return fmt.Errorf("column %s: %w: %w", column, errColumn, err)
	}
	return nil
}

// sortSoonest puts meetings that start soonest first; those without a start
// may begin at any moment and come before all.
func sortSoonest(claims []MeetingClaim) {
	slices.SortStableFunc(claims, func(a, b MeetingClaim) int {
		return cmp.Or(a.Meeting.Start.Compare(b.Meeting.Start), a.Meeting.DueAt.Compare(b.Meeting.DueAt))
	})
}
