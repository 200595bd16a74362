package zoomsim

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
	"time"
)

// trackingID makes the id by which Zoom's support finds a call or delivery. It is not drawn
// from the source, so that reading more does not change what is made.
func (s *Server) trackingID() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "zoomsim/tracking/%d/%d", s.seed, s.tracked.Add(1)))
	return "v=2.0;clid=us02;rid=WEB_" + hex.EncodeToString(sum[:16])
}

// pause waits out a delay; false when the client or the server is gone.
func (s *Server) pause(r *http.Request, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	fire, stop := s.out.timer(d)
	defer stop()
	select {
	case <-fire:
		return true
	case <-r.Context().Done():
		return false
	case <-s.out.ctx.Done():
		return false
	}
}

// drop closes the connection without an answer.
func (s *Server) drop(w http.ResponseWriter, c *call) {
	c.rec.Status = 0
	s.record(c.rec)
	if hj, ok := w.(http.Hijacker); ok {
		if conn, _, err := hj.Hijack(); err == nil {
			_ = conn.Close()
		}
	}
}

// write sends the answer, bent and torn as the fault wants it.
func (c *call) write(w http.ResponseWriter, status int, body any) {
	if c.fault.Body != "" {
		w.Header().Set("Content-Type", "text/html;charset=UTF-8") // a proxy's page, not Zoom's JSON
		w.WriteHeader(status)
		_, _ = io.WriteString(w, c.fault.Body)
		return
	}
	if body == nil {
		w.WriteHeader(status)
		return
	}
	if o, ok := body.(obj); ok {
		body = c.fault.bend(o)
	}
	raw, err := json.Marshal(body)
	if err != nil {
		c.s.log.Error("answer not encodable", "path", c.URL.Path, "error", err)
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(raw)))
	if c.fault.TruncateBody {
		w.WriteHeader(status)
		_, _ = w.Write(raw[:len(raw)/2])
		// The promised length is not reached: the client sees a torn body.
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(status)
	_, _ = w.Write(raw)
}

// bend applies StringIDs and UnknownFields to an answer's top level and rows.
func (f *Fault) bend(o obj) obj {
	if !f.StringIDs && !f.UnknownFields {
		return o
	}
	out := maps.Clone(o)
	if id, ok := out["id"].(int64); ok && f.StringIDs {
		out["id"] = strconv.FormatInt(id, 10)
	}
	if f.UnknownFields {
		out["zz_new_field"] = obj{"since": "tomorrow", "values": []any{1, "two", nil}}
	}
	if rows, ok := out["meetings"].([]obj); ok {
		bent := make([]obj, len(rows))
		for i, row := range rows {
			bent[i] = f.bend(row)
		}
		out["meetings"] = bent
	}
	return out
}

// decode reads a JSON body; types that are wrong are code 300, as Zoom's.
func (c *call) decode(v any) error {
	if err := json.Unmarshal(c.body, v); err != nil {
		return failure(http.StatusBadRequest, 300, "Request Body should be a valid JSON object.")
	}
	return nil
}
