package main

import (
	"strings"
	"testing"
	"time"

	"latchkey/internal/store"
)

func TestListForPeopleAndPrograms(t *testing.T) {
	t.Parallel()
	l := store.Listing{Columns: []string{"start_time", "meeting_id", "host_email", "why", "topic", "passcode_known", "host_id"}, Rows: [][]any{
		{time.Date(2026, 12, 2, 9, 0, 0, 0, time.UTC), int64(81234567890), "a@example.com", "Joiners are asked\nfor a passcode " + strings.Repeat("because ", 40), "secret topic", true, "h1"},
		{nil, int64(81234567891), nil, "=cmd()", "", false, "h2"},
	}}
	var text, sheet, data strings.Builder
	if err := listText(&text, l); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(text.String()), "\n")
	if len(lines) != 3 || !strings.HasPrefix(lines[0], "START TIME") || !strings.HasSuffix(lines[0], "WHY") || !strings.Contains(lines[1], "2026-12-02 09:00Z  81234567890  a@example.com  yes") ||
		!strings.HasSuffix(lines[1], "…") || len([]rune(lines[1])) != lineWidth || strings.Contains(text.String(), "secret topic") || strings.Contains(text.String(), "h1") {
		t.Errorf("\n%s", text.String())
	}
	if err := listCSV(&sheet, l); err != nil || !strings.Contains(sheet.String(), ",'=cmd(),") || !strings.Contains(sheet.String(), "2026-12-02T09:00:00Z,81234567890") {
		t.Errorf("%v\n%s", err, sheet.String())
	}
	if err := listJSON(&data, l); err != nil || !strings.Contains(data.String(), `"passcode_known":true`) || !strings.Contains(data.String(), `"start_time":null`) {
		t.Errorf("%v\n%s", err, data.String())
	}
}
