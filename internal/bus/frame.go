package bus

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/textproto"
	"time"

	"github.com/nats-io/nats.go"
)

// A frame is one message on the stream of events: the deliveries of one account
// that waited at the same moment, so that they share one write to disk. It is
// multipart/mixed, a part for each delivery: its headers, its raw bytes.

const (
	// frameMost bounds a frame's bytes: the largest delivery fits, with its headers.
	frameMost = MaxBody + headerRoom
	// frameParts bounds how many deliveries one transaction takes in.
	frameParts = 256
	// partRoom is what a part's headers and its boundary take at most.
	partRoom = 4 << 10
)

// Headers of a part and of the message.
const (
	headerEventID     = "Latchkey-Event-Id"
	headerEvent       = "Latchkey-Event"
	headerAccount     = "Latchkey-Account"
	headerContentType = "Content-Type"
)

// frame makes the message of as many of the events, all of one account, as fit
// into one; at least of the first.
func frame(events []Event) (m *nats.Msg, taken int) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, e := range events {
		if taken == frameParts || taken > 0 && b.Len()+len(e.Body)+partRoom > frameMost {
			break
		}
		h := textproto.MIMEHeader{}
		for key, value := range map[string]string{headerEventID: e.ID, headerEvent: e.Name, headerSignedFor: e.SignedFor,
			headerReceivedAt: e.ReceivedAt.UTC().Format(time.RFC3339Nano), headerRequestID: e.RequestID, headerTraceParent: e.TraceParent, headerAttempts: attemptsText(e.Attempts)} {
			if value != "" {
				h.Set(key, headerText(value))
			}
		}
		part, _ := w.CreatePart(h) // a bytes.Buffer takes everything
		_, _ = part.Write(e.Body)
		taken++
	}
	_ = w.Close()
	m = nats.NewMsg(FrameSubject(events[0].AccountID))
	m.Data = b.Bytes()
	m.Header.Set(headerContentType, mime.FormatMediaType("multipart/mixed", map[string]string{"boundary": w.Boundary()}))
	if account := events[0].AccountID; account != "" {
		m.Header.Set(headerAccount, headerText(account))
	}
	return m, taken
}

// errNoFrame says that a message on the stream of events is none of ours.
var errNoFrame = errors.New("the message is no frame of deliveries: latchkey did not write it")

// parts reads a frame. An error is about the whole of it, and quotes none of it.
func parts(h nats.Header, data []byte) ([]Event, error) {
	kind, params, err := mime.ParseMediaType(h.Get(headerContentType))
	if err != nil || kind != "multipart/mixed" || params["boundary"] == "" {
		return nil, errNoFrame
	}
	var all []Event
	r := multipart.NewReader(bytes.NewReader(data), params["boundary"])
	for {
		part, err := r.NextRawPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil || len(all) == frameParts {
			return nil, errNoFrame
		}
		body, err := io.ReadAll(part)
		if err != nil {
			return nil, errNoFrame
		}
		e := Event{ID: part.Header.Get(headerEventID), Name: part.Header.Get(headerEvent), AccountID: h.Get(headerAccount), SignedFor: part.Header.Get(headerSignedFor),
			Body: body, RequestID: part.Header.Get(headerRequestID), TraceParent: part.Header.Get(headerTraceParent), Attempts: attemptsOf(part.Header.Get(headerAttempts))}
		if e.ReceivedAt, err = time.Parse(time.RFC3339Nano, part.Header.Get(headerReceivedAt)); err != nil || e.ID == "" {
			return nil, fmt.Errorf("%w: a part has no id or no time", errNoFrame)
		}
		all = append(all, e)
	}
	if len(all) == 0 {
		return nil, errNoFrame
	}
	return all, nil
}
