package quorum

import (
	"testing"

	"github.com/chronik/chronik/internal/vfs"
)

// From nothing to a registered broker, on the disk that holds the temporary
// directory.
func BenchmarkFirstStart(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		b.Chdir(b.TempDir())
		b.StartTimer()
		n := mustStart(b, nodeOptions{id: 1, fs: vfs.OS()})
		n.register()
		b.StopTimer()
		n.end()
		b.StartTimer()
	}
}

// From a command to its published image, one at a time.
func BenchmarkSubmit(b *testing.B) {
	b.Chdir(b.TempDir())
	n := mustStart(b, nodeOptions{id: 1, fs: vfs.OS()})
	n.register()
	for b.Loop() {
		if _, err := n.submit(bulk{10}); err != nil {
			b.Fatal(err)
		}
	}
	n.end()
}
