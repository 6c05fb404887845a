package limits

import "math/rand/v2"

// noise is what no file system and no disk can make less of.
func noise(size int) []byte {
	b := make([]byte, size)
	// Read never fails.
	_, _ = rand.NewChaCha8([32]byte{}).Read(b)
	return b
}
