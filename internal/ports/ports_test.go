package ports

import (
	"fmt"
	"net"
	"testing"
)

// A port is given once, and not where somebody listens there or where its pages would be.
func TestFreePortsAreNobodys(t *testing.T) {
	busy := first + int(given+2)%(last-first)
	pages := first + int(given+4)%(last-first) + pagesAbove
	for _, port := range []int{busy, pages} {
		l, err := net.Listen("tcp", fmt.Sprint("127.0.0.1:", port))
		if err != nil {
			t.Skipf("somebody else listens on %d: %v", port, err)
		}
		defer l.Close()
	}
	seen := map[int]bool{busy: true, pages - pagesAbove: true}
	for range 10 {
		port, err := Free()
		if err != nil {
			t.Fatal(err)
		}
		if seen[port] || port < first || port >= last {
			t.Errorf("%d is not to be given", port)
		}
		seen[port] = true
	}
}
