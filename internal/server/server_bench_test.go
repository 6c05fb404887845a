package server

import (
	"bufio"
	"testing"
)

// BenchmarkPipelined sends requests of 1 KiB, 32 in flight on one connection.
func BenchmarkPipelined(b *testing.B) {
	f := start(b, handlerFunc(echo), func(o *Options) { o.Logger = discardLogger() })
	c := f.dial(b)
	request := frame(testVersion, 1, make([]byte, 1000))
	slots := make(chan struct{}, 32)
	b.ReportAllocs()
	b.SetBytes(int64(len(request)))
	b.ResetTimer()
	go func() {
		for range b.N {
			slots <- struct{}{}
			if _, err := c.Write(request); err != nil {
				b.Errorf("write: %v", err)
			}
		}
	}()
	r := bufio.NewReader(c)
	for range b.N {
		if _, err := readResponse(r); err != nil {
			b.Fatal(err)
		}
		<-slots
	}
}
