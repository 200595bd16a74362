package chaos

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"latchkey/internal/zoomsim"
)

// burst sends many events at once, as Zoom does after somebody changed a setting for
// thousands; the simulator itself sends one after the other. They say nothing that is
// not so: "look at this meeting". Refused ones are tried again as Zoom does.
type burst struct {
	url    string
	cred   zoomsim.Credentials
	client *http.Client
	serial atomic.Int64
	wg     sync.WaitGroup
}

const burstSenders = 16

func newBurst(url string, cred zoomsim.Credentials) *burst {
	return &burst{url: url, cred: cred, client: &http.Client{Timeout: 3 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: burstSenders}}}
}

// send sends n events about the meetings and returns at once.
func (b *burst) send(ctx context.Context, n int, meetings []int64) {
	if len(meetings) == 0 {
		return
	}
	work := make(chan int64, n)
	for i := range n {
		work <- meetings[i%len(meetings)]
	}
	close(work)
	for range burstSenders {
		b.wg.Go(func() {
			for id := range work {
				b.one(ctx, id)
			}
		})
	}
}

func (b *burst) one(ctx context.Context, meeting int64) {
	body := fmt.Appendf(nil, `{"event":"meeting.updated","event_ts":%d,"payload":{"account_id":%q,"object":{"id":%d},"zz_serial":%d}}`,
		time.Now().UnixMilli(), b.cred.AccountID, meeting, b.serial.Add(1))
	for _, delay := range append([]time.Duration{0}, retries...) {
		if !wait(ctx, delay) {
			return
		}
		status := b.post(ctx, body)
		if status > 0 && status < 500 {
			return
		}
	}
}

func (b *burst) post(ctx context.Context, body []byte) int {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, b.url, bytes.NewReader(body))
	if err != nil {
		return 0
	}
	ts := strconv.FormatInt(time.Now().Unix(), 10)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("x-zm-request-timestamp", ts)
	req.Header.Set("x-zm-signature", zoomsim.Sign(b.cred.SecretToken, ts, body))
	resp, err := b.client.Do(req)
	if err != nil {
		return -1
	}
	resp.Body.Close()
	return resp.StatusCode
}

// settle waits until every event of the bursts was accepted or given up.
func (b *burst) settle() {
	b.wg.Wait()
	b.client.CloseIdleConnections()
}
