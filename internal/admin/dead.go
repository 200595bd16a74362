package admin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"latchkey/internal/bus"
)

// Dead is a dead letter as people see it: without its bytes, unless they ask.
type Dead struct {
	ID         uint64    `json:"id"`
	At         time.Time `json:"at"`
	Stage      string    `json:"stage"`
	AccountID  string    `json:"account_id,omitempty"`
	Event      string    `json:"event,omitempty"`
	EventID    string    `json:"event_id,omitempty"`
	Reason     string    `json:"reason"`
	Attempts   int       `json:"attempts"`
	ReceivedAt time.Time `json:"received_at,omitzero"`
	SignedFor  string    `json:"signed_for,omitempty"`
	RequestID  string    `json:"request_id,omitempty"`
	Size       int       `json:"size"`
	Body       []byte    `json:"body,omitempty"` // may hold a passcode
}

// DeadOf is a dead letter for people, without its bytes.
func DeadOf(d bus.DeadLetter) Dead {
	return Dead{ID: d.ID, At: d.At, Stage: d.Stage, AccountID: d.Event.AccountID, Event: d.Event.Name, EventID: d.Event.ID, Reason: d.Reason,
		Attempts: d.Event.Attempts, ReceivedAt: d.Event.ReceivedAt, SignedFor: d.Event.SignedFor, RequestID: d.Event.RequestID, Size: len(d.Event.Body)}
}

// DeadChoice says which dead letters are meant: those of IDs or, where there are
// none, all that the filter lets through.
type DeadChoice struct {
	IDs    []uint64
	Filter bus.DeadFilter
}

// RedriveDead publishes the events of dead letters again. told hears of each what
// became of it; one that fails does not keep the others from it. The error says
// how many failed, or that they could not be listed.
func RedriveDead(ctx context.Context, b *bus.Bus, c DeadChoice, told func(Dead, error)) error {
	return eachDead(ctx, b, c, "redriven", told, b.Redrive)
}

// DropDead deletes dead letters for good; otherwise it is as RedriveDead.
func DropDead(ctx context.Context, b *bus.Bus, c DeadChoice, told func(Dead, error)) error {
	return eachDead(ctx, b, c, "dropped", told, func(ctx context.Context, d bus.DeadLetter) error { return b.DropDead(ctx, d.ID) })
}

func eachDead(ctx context.Context, b *bus.Bus, c DeadChoice, done string, told func(Dead, error), do func(context.Context, bus.DeadLetter) error) error {
	n, failed := 0, 0
	one := func(d bus.DeadLetter, err error) {
		if err == nil {
			err = do(ctx, d)
		}
		if n++; err != nil {
			failed++
		}
		told(DeadOf(d), err)
	}
	for _, id := range c.IDs {
		d, err := b.DeadLetter(ctx, id)
		d.ID = id
		one(d, err)
	}
	var listed error
	if len(c.IDs) == 0 {
		for d, err := range b.DeadLetters(ctx, c.Filter) {
			if listed = err; err == nil {
				one(d, nil)
			}
		}
	}
	if failed > 0 {
		listed = errors.Join(listed, fmt.Errorf("%d of %d were not %s", failed, n, done))
	}
	return listed
}
