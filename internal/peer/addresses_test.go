package peer

import (
	"errors"
	"net"
	"testing"
)

// Goal: a node is found at any of its addresses, and that nobody listens at an earlier
// one is no word about the node.
func TestANodeIsDialedAtEachOfItsAddresses(t *testing.T) {
	where := new(addresses)
	a := startHost(t, hostOptions{node: 1, where: where})
	b := startHost(t, hostOptions{node: 2, where: where})
	c := startHost(t, hostOptions{node: 3, where: where})
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	nobody, there := closed.Addr().String(), where.one(2)

	where.set(2, nobody, where.one(3), there)
	a.Send(2, 1, []byte("dropped"))
	for err := errors.New("not asked yet"); err != nil; {
		_, err = a.Request(t.Context(), 2, 1, nil)
	}
	if len(c.got.lost) > 0 || len(b.got.rejected) > 0 {
		t.Error("the node at the second address was taken for another")
	}
	where.set(2, there, nobody)
	if err := a.Probe(t.Context(), 2); err != nil {
		t.Errorf("the newest address is not probed: %v", err)
	}
	where.set(2, nobody, there)
	if err := a.Probe(t.Context(), 2); !errors.Is(err, ErrRefused) {
		t.Errorf("another address than the newest is probed: %v", err)
	}
}

// Goal: where a node of another cluster is found with the id of the one that was meant, and
// does not accept this one for good, the other address is tried, and it is told where that was.
func TestARejectedNodeIsAcceptedAtAnotherAddress(t *testing.T) {
	where, elsewhere := new(addresses), new(addresses)
	a := startHost(t, hostOptions{node: 1, where: where})
	startHost(t, hostOptions{node: 2, where: elsewhere, judge: func(Hello) *Rejection { return &Rejection{Final: true, Reason: "another cluster"} }})
	startHost(t, hostOptions{node: 2, where: where})
	foreign := elsewhere.one(2)
	where.set(2, foreign, where.one(2))
	for err := errors.New("not asked yet"); err != nil; {
		_, err = a.Request(t.Context(), 2, 1, nil)
	}
	if r := <-a.got.rejected; !r.Final || r.Address != foreign {
		t.Errorf("%+v", r)
	}
}
