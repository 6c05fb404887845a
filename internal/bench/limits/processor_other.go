//go:build !unix

package limits

import "time"

// processorTime is not known here.
func processorTime() time.Duration { return 0 }
