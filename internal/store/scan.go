package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"latchkey/internal/passcode"
)

// Rows are scanned by name into the domain's own values. Two conventions make
// that possible: a zero time.Time is SQL null, and so is an empty text in a
// column whose field says null:"text".

// registerTypes makes a connection follow the first.
func registerTypes(_ context.Context, conn *pgx.Conn) error {
	m := conn.TypeMap()
	m.RegisterType(&pgtype.Type{Name: "timestamptz", OID: pgtype.TimestamptzOID, Codec: zeroTime{&pgtype.TimestamptzCodec{}}})
	return nil
}

// zeroTime reads null as a zero time.
type zeroTime struct{ *pgtype.TimestamptzCodec }

func (c zeroTime) PlanScan(m *pgtype.Map, oid uint32, format int16, target any) pgtype.ScanPlan {
	if _, ok := target.(*time.Time); ok {
		return scanZeroTime{c.TimestamptzCodec.PlanScan(m, oid, format, new(pgtype.Timestamptz))}
	}
	return c.TimestamptzCodec.PlanScan(m, oid, format, target)
}

type scanZeroTime struct{ plan pgtype.ScanPlan }

func (s scanZeroTime) Scan(src []byte, target any) error {
	var t pgtype.Timestamptz
	err := s.plan.Scan(src, &t)
	*target.(*time.Time) = t.Time
	return err
}

// null turns a zero time into SQL null, for parameters.
func null(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// columns lists the columns that a struct's db names stand for, those of
// embedded structs included.
func columns[T any]() string { return strings.Join(dbNames(reflect.TypeFor[T]()), ", ") }

func dbNames(t reflect.Type) []string {
	var names []string
	for f := range fields(t) {
		switch name := f.Tag.Get("db"); {
		case f.Anonymous && name == "":
			names = append(names, dbNames(f.Type)...)
		case f.Tag.Get("null") == "text":
			names = append(names, "coalesce("+name+", '') AS "+name)
		case name != "" && name != "-":
			names = append(names, name)
		}
	}
	return names
}

func fields(t reflect.Type) func(yield func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for i := range t.NumField() {
			if !yield(t.Field(i)) {
				return
			}
		}
	}
}

// Reasons are a verdict's reasons in a JSON column. A reason that another
// version wrote and this one cannot read is left out: the next check writes
// them again.
type Reasons []passcode.Reason

// UnmarshalJSON reads what can be read.
func (r *Reasons) UnmarshalJSON(raw []byte) error {
	*r = nil
	var each []json.RawMessage
	if json.Unmarshal(raw, &each) != nil {
		return nil
	}
	for _, one := range each {
		var reason passcode.Reason
		if json.Unmarshal(one, &reason) == nil {
			*r = append(*r, reason)
		}
	}
	return nil
}

// errEncode is about the value: no retry changes it.
var errEncode = errors.New("encode")

// jsonb makes a JSON parameter; nil reasons are an empty list.
func jsonb(v any) (string, error) {
	if r, ok := v.(Reasons); ok && r == nil {
		return "[]", nil
	}
	b, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("%w %T: %w", errEncode, v, err)
	}
	return string(b), nil
}
