package zoom_test

import (
	"slices"
	"testing"

	"latchkey/internal/zoom"
)

func TestCountLicensed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, answer string
		want         int
	}{
		{"nobody", `{}`, 0},
		{"basic users alone", `{"users":[{"type":1},{"type":1},{"type":99}]}`, 0},
		{"one", `{"users":[{"type":1},{"type":2}]}`, 1},
		{"type as a string", `{"users":[{"type":"2"}]}`, 1},
		{"two", `{"users":[{"type":2},{"type":2}]}`, 2},
		{"more count as two", `{"users":[{"type":2},{"type":2},{"type":2}]}`, 2},
		{"one here, and a next page", `{"users":[{"type":2}],"next_page_token":"x"}`, 2},
		{"none here, and a next page", `{"users":[{"type":1}],"next_page_token":"x"}`, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := &fakeZoom{api: always(200, c.answer)}
			got, err := overNetwork(t, f, nil).CountLicensed(t.Context())
			if err != nil || got != c.want {
				t.Errorf("CountLicensed = %d, %v: want %d", got, err, c.want)
			}
			if called := f.called(); !slices.Equal(called, []string{"GET /v2/users?page_size=300&status=active"}) {
				t.Errorf("called %q", called)
			}
		})
	}
	t.Run("a type that is none", func(t *testing.T) {
		t.Parallel()
		n, err := overNetwork(t, &fakeZoom{api: always(200, `{"users":[{"type":2},{"type":"x"}]}`)}, nil).CountLicensed(t.Context())
		wantKind(t, err, zoom.KindBadAnswer)
		if n != 0 {
			t.Errorf("%d comes along", n)
		}
	})
	t.Run("not allowed", func(t *testing.T) {
		t.Parallel()
		_, err := overNetwork(t, &fakeZoom{api: always(400, `{"code":4711,"message":"scopes"}`)}, nil).CountLicensed(t.Context())
		wantKind(t, err, zoom.KindScope)
	})
}
