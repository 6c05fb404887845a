package peer

import (
	"context"
	"fmt"
	"testing"
)

// BenchmarkStream sends frames by loopback, one way, and counts both ends.
func BenchmarkStream(b *testing.B) {
	for _, bytes := range []int{100, 4 << 10, 64 << 10, 1 << 20} {
		b.Run(fmt.Sprintf("%dB", bytes), func(b *testing.B) { benchmarkStream(b, bytes) })
	}
}

func benchmarkStream(b *testing.B, bytes int) {
	where := new(addresses)
	from, to := startHost(b, hostOptions{node: 1, where: where}), startHost(b, hostOptions{node: 2, where: where})
	read := make(chan int)
	to.got.onStream(func(_ context.Context, _ Hello, s *Stream) {
		frames := 0
		defer func() { read <- frames }()
		var buf []byte
		for {
			frame, err := s.Read(buf)
			if err != nil || len(frame) == 0 {
				return
			}
			frames, buf = frames+1, frame
		}
	})
	s, err := from.OpenStream(b.Context(), 2)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	frame := pattern(bytes)
	b.ReportAllocs()
	b.SetBytes(int64(bytes))
	b.ResetTimer()
	for range b.N {
		if err := s.Write(frame); err != nil {
			b.Fatal(err)
		}
	}
	if err := s.Write(nil); err != nil { // the last
		b.Fatal(err)
	}
	if frames := <-read; frames != b.N {
		b.Errorf("%d frames of %d came", frames, b.N)
	}
}
