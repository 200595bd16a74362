package zoomsim

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"time"
)

// send makes one attempt and returns the status, -1 for none.
func (o *outbox) send(d *delivery, url string, at time.Time) (int, string) {
	ctx, cancel := context.WithTimeout(o.ctx, o.timeout)
	defer cancel()
	if o.hand != nil {
		return o.handOver(ctx, d, at)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(d.body))
	if err != nil {
		return -1, "bad url"
	}
	o.sign(req.Header, d, at)
	resp, err := o.client.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return -1, reasonTimeout
		}
		return -1, reasonConnection
	}
	defer func() { _ = resp.Body.Close() }()
	// The answer counts once its body was read in time too.
	if _, err := io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20)); err != nil {
		return -1, reasonTimeout
	}
	return resp.StatusCode, ""
}

// handOver makes one attempt without HTTP. The body is the receiver's to keep.
func (o *outbox) handOver(ctx context.Context, d *delivery, at time.Time) (int, string) {
	header := http.Header{}
	o.sign(header, d, at)
	status := o.hand(ctx, header, bytes.Clone(d.body))
	switch {
	case ctx.Err() != nil:
		return -1, reasonTimeout
	case status <= 0:
		return -1, reasonConnection
	}
	return status, ""
}
