package webhook

import (
	"container/list"
	"errors"
	"io"
	"sync"
)

// room bounds the bytes of all bodies that are held. Where there are too many,
// the body that has been arriving for the longest loses: a good one arrives within
// milliseconds, so the slow make way for the new.
type room struct {
	most int64

	mu       sync.Mutex
	freed    sync.Cond
	held     int64
	leaving  int64     // those of them whose body has lost
	arriving list.List // of *body, the one that began first in front
}

func newRoom(most int64) *room {
	r := &room{most: most}
	r.freed.L = &r.mu
	return r
}

var errDisplaced = errors.New("the body was displaced: others needed its room")

// body reads a request's body into the room.
type body struct {
	from io.Reader
	room *room
	// cut makes a Read in progress fail; an error says that it cannot.
	cut func() error

	// Of the room's mutex:
	held  int64
	place *list.Element // nil once it has arrived or lost
	lost  bool
}

// open begins a body; release must follow.
func (r *room) open(from io.Reader, cut func() error) *body {
	b := &body{from: from, room: r, cut: cut}
	r.mu.Lock()
	defer r.mu.Unlock()
	b.place = r.arriving.PushBack(b)
	return b
}

// Read fails with errDisplaced once the body has lost its room. It waits until
// those who lost theirs to it have gone, which they do at once.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	r := b.room
	r.mu.Lock()
	defer r.mu.Unlock()
	b.held += int64(n)
	r.held += int64(n)
	if b.lost {
		r.leaving += int64(n)
	}
	for r.held-r.leaving > r.most && r.arriving.Len() > 0 {
		r.displace(r.arriving.Front().Value.(*body))
	}
	for !b.lost && r.held > r.most {
		r.freed.Wait()
	}
	if b.lost {
		return n, errDisplaced
	}
	return n, err
}

// displace is called with the mutex held, so that cut never hits a connection
// whose body has arrived.
func (r *room) displace(b *body) {
	b.lost = true
	r.forget(b)
	r.leaving += b.held
	if b.cut() != nil { // nobody can wait for that
		b.give()
	}
	r.freed.Broadcast() // it may be waiting itself
}

func (r *room) forget(b *body) {
	if b.place != nil {
		r.arriving.Remove(b.place)
		b.place = nil
	}
}

// arrived ends the reading. It reports whether the body is whole; its bytes then
// stay in the room, and nobody displaces it any more.
func (b *body) arrived() bool {
	b.room.mu.Lock()
	defer b.room.mu.Unlock()
	b.room.forget(b)
	return !b.lost
}

// release gives the room back.
func (b *body) release() {
	b.room.mu.Lock()
	defer b.room.mu.Unlock()
	b.room.forget(b)
	b.give()
}

func (b *body) give() {
	r := b.room
	r.held -= b.held
	if b.lost {
		r.leaving -= b.held
	}
	b.held = 0
	r.freed.Broadcast()
}
