// Package migrations holds the numbered SQL files that make the database,
// embedded, so that a binary needs nothing else.
package migrations

import "embed"

// Files are the goose migrations.
//
//go:embed *.sql
var Files embed.FS
