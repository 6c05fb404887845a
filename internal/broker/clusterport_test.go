package broker

import (
	"errors"
	"net"
	"strings"
	"testing"
)

// Several addresses are one listener: whoever connects to any of them is accepted.
func TestClusterPortOfSeveralAddresses(t *testing.T) {
	first, err := bindCluster(t.Context(), []string{"127.0.0.1:0", "127.0.0.2:0"})
	if err != nil {
		t.Fatal(err)
	}
	both, ok := first.(*listeners)
	if !ok {
		t.Fatalf("two addresses are a %T", first)
	}
	if both.Addr().String() != both.all[0].Addr().String() {
		t.Errorf("it says that it is at %s", both.Addr())
	}
	for range 2 {
		for _, one := range both.all {
			dialed, err := net.Dial("tcp", one.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			accepted, err := both.Accept()
			if err != nil {
				t.Fatal(err)
			}
			if accepted.RemoteAddr().String() != dialed.LocalAddr().String() {
				t.Errorf("accepted %s, and %s has dialed", accepted.RemoteAddr(), dialed.LocalAddr())
			}
			if err := errors.Join(accepted.Close(), dialed.Close()); err != nil {
				t.Error(err)
			}
		}
	}
	waiting := make(chan error, 1)
	go func() { _, err := both.Accept(); waiting <- err }()
	if err := both.Close(); err != nil {
		t.Error(err)
	}
	if err := <-waiting; !errors.Is(err, net.ErrClosed) {
		t.Errorf("who waits is told %v", err)
	}
	if _, err := both.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("who comes afterwards is told %v", err)
	}
	if err := both.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("closed twice: %v", err)
	}
	for _, one := range both.all {
		if c, err := net.Dial("tcp", one.Addr().String()); err == nil {
			_ = c.Close()
			t.Errorf("%s is still open", one.Addr())
		}
	}
}

// A connection that comes while nobody accepts any more is hung up on.
func TestClusterPortHangsUpWhenItCloses(t *testing.T) {
	both, err := bindCluster(t.Context(), []string{"127.0.0.1:0", "127.0.0.2:0"})
	if err != nil {
		t.Fatal(err)
	}
	dialed, err := net.Dial("tcp", both.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if err := both.Close(); err != nil {
		t.Fatal(err)
	}
	if n, err := dialed.Read(make([]byte, 1)); err == nil {
		t.Errorf("%d bytes came", n)
	}
	if err := dialed.Close(); err != nil {
		t.Error(err)
	}
}

func TestClusterPortThatIsTaken(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	address := taken.Addr().String()
	_, err = bindCluster(t.Context(), []string{"127.0.0.1:0", address})
	if err == nil || !strings.Contains(err.Error(), address) || !strings.Contains(err.Error(), "--raft-addr") || strings.Contains(err.Error(), "\n") {
		t.Errorf("refused with: %v", err)
	}
}

// The machine need not have every address, but for the first.
func TestClusterPortOfAddressesThatAreNotThere(t *testing.T) {
	l, err := bindCluster(t.Context(), []string{"127.0.0.1:0", "192.0.2.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	if _, several := l.(*listeners); several {
		t.Error("an address of nobody's is listened at")
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if l, err := bindCluster(t.Context(), []string{"192.0.2.1:0"}); err == nil {
		_ = l.Close()
		t.Error("nothing is listened at, and nobody is told")
	}
}
