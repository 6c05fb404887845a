package peer

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/chronik/chronik/internal/model"
)

func TestMessagesArriveInOrder(t *testing.T) {
	where := new(addresses)
	a, b, c := startHost(t, hostOptions{node: 1, where: where}), startHost(t, hostOptions{node: 2, where: where}), startHost(t, hostOptions{node: 3, where: where})
	const count = 3000 // less than the queue holds
	for i := range count {
		body := fmt.Sprint(i, strings.Repeat("x", i%5000))
		a.Send(2, 7, []byte(body))
		c.Send(2, 8, []byte(body))
	}
	next := map[model.NodeID]int{}
	for range 2 * count {
		m := <-b.got.messages
		if want := fmt.Sprint(next[m.from], strings.Repeat("x", next[m.from]%5000)); m.body != want || m.kind != Kind(6+(m.from+1)/2) {
			t.Fatalf("%d: kind %d of node %d: %.20q", next[m.from], m.kind, m.from, m.body)
		}
		next[m.from]++
	}
	if l := a.Links(); len(l) != 1 || l[0].Node != 2 || !l[0].Connected || l[0].Dropped != 0 {
		t.Error(l)
	}
	a.Send(1, 1, []byte("to itself"))
	if m := <-a.got.messages; m.from != 1 || m.body != "to itself" {
		t.Error(m)
	}
}

func TestRequestsAreAnswered(t *testing.T) {
	where := new(addresses)
	a, b := startHost(t, hostOptions{node: 1, where: where}), startHost(t, hostOptions{node: 2, where: where})
	b.got.onRequest(func(_ context.Context, from model.NodeID, kind Kind, body []byte) ([]byte, error) {
		if kind == 2 {
			return nil, errors.New("no such thing")
		}
		return fmt.Appendf(nil, "%d/%d/%s", from, kind, body), nil
	})
	answers := make(chan error, 1000)
	for i := range cap(answers) {
		go func() {
			got, err := a.Request(t.Context(), 2, 1, fmt.Append(nil, i))
			if want := fmt.Sprintf("1/1/%d", i); err == nil && string(got) != want {
				err = fmt.Errorf("%q, want %q", got, want)
			}
			answers <- err
		}()
	}
	for range cap(answers) {
		if err := <-answers; err != nil {
			t.Fatal(err)
		}
	}
	_, err := a.Request(t.Context(), 2, 2, nil)
	if e, ok := errors.AsType[*RemoteError](err); !ok || e.Node != 2 || e.Text != "no such thing" {
		t.Fatal(err)
	}
}
