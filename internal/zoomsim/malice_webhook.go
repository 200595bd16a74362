package zoomsim

import (
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"unicode/utf8"
)

// fate draws what becomes of one delivery; the outbox's lock is held.
func (o *outbox) fate(d *delivery) {
	m := &o.malice
	if o.src.chance(m.WebhookLost) {
		o.end(d, DeliveryLost)
		return
	}
	if o.src.chance(m.WebhookDuplicate) {
		// Several subscriptions of one app may overlap: same body, own id.
		twin := *d
		twin.RequestID = o.src.requestID()
		o.history = keep(o.history, &twin, o.most)
		o.push(&twin)
	}
	switch {
	case o.src.chance(m.WebhookLate):
		o.later(d, orDefault(m.LateFor, defaultLate), nil)
	case o.src.chance(m.WebhookReorder):
		// Released by the next delivery, or when LateFor is over.
		o.later(d, orDefault(m.LateFor, defaultLate), o.overtaken)
		return
	default:
		o.push(d)
	}
	close(o.overtaken)
	o.overtaken = make(chan struct{})
}

// bend changes a webhook's body as the knobs want; the lock is held.
func (o *outbox) bend(body obj) obj {
	m := &o.malice
	stringIDs, unknown := o.src.chance(m.StringIDs), o.src.chance(m.UnknownFields)
	odd := -1
	if o.src.chance(m.WebhookOdd) {
		odd = o.src.intn(numOddities)
	}
	if !stringIDs && !unknown && odd < 0 {
		return body
	}
	body = maps.Clone(body)
	payload, _ := body["payload"].(obj)
	payload = maps.Clone(payload)
	body["payload"] = payload
	if stringIDs {
		for _, k := range []string{"object", "old_object"} {
			if inner, ok := payload[k].(obj); ok {
				if id, ok := inner["id"].(int64); ok {
					inner = maps.Clone(inner)
					inner["id"] = strconv.FormatInt(id, 10)
					payload[k] = inner
				}
			}
		}
	}
	if unknown {
		body["zz_new_field"], payload["zz_new_field"] = obj{"since": "tomorrow"}, []any{1, nil, "x"}
	}
	oddity(odd, body, payload)
	return body
}

// The oddities that real deliveries showed (Z-EVENT-6, Z-EVENT-19, Z-EVENT-20, Z-EVENT-23).
const (
	oddNoTimestamp = iota
	oddSeconds
	oddNoAccount
	oddAccountOutside
	oddTimeInOld
	oddNoOld
	oddVendor
	numOddities
)

func oddity(kind int, body, payload obj) {
	switch kind {
	case oddNoTimestamp:
		delete(body, "event_ts")
	case oddSeconds:
		if ms, ok := body["event_ts"].(int64); ok {
			body["event_ts"] = ms / 1000
		}
	case oddNoAccount:
		delete(payload, "account_id")
	case oddAccountOutside:
		body["account_id"] = payload["account_id"]
		delete(payload, "account_id")
	case oddTimeInOld:
		if old, ok := payload["old_object"].(obj); ok {
			old = maps.Clone(old)
			old["time_stamp"] = payload["time_stamp"]
			payload["old_object"] = old
			delete(payload, "time_stamp")
		}
	case oddNoOld:
		delete(payload, "old_object")
	case oddVendor:
		// Another vendor's event of the same name has a list as payload.
		body["payload"] = []any{payload}
	}
}

// encode writes a body. Half of it escaped, half raw: a receiver that writes
// the JSON again gets another signature (Z-HOOK-5, Z-EVENT-22).
func encode(body obj) ([]byte, error) {
	raw, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	for i, n := 0, 0; i < len(raw); {
		r, size := utf8.DecodeRune(raw[i:])
		// Every second letter beyond ASCII, of the plane that \u reaches.
		if r >= utf8.RuneSelf && r <= 0xffff && r != utf8.RuneError {
			if n++; n%2 == 1 {
				fmt.Fprintf(&b, `\u%04x`, r)
				i += size
				continue
			}
		}
		b.Write(raw[i : i+size])
		i += size
	}
	return []byte(b.String()), nil
}
