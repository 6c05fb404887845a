package replica

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/chronik/chronik/internal/isr"
	"github.com/chronik/chronik/internal/model"
)

// The high watermark is checked against its definition: count the holders of
// every offset, and take the greatest that a quorum with the leader holds.
func TestHighWatermarkIsWhatAQuorumWithTheLeaderHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		offset := rapid.Custom(func(t *rapid.T) model.Offset { return model.Offset(rapid.IntRange(0, 9).Draw(t, "o")) })
		leader := offset.Draw(t, "leader")
		followers := rapid.SliceOfN(offset, 0, 6).Draw(t, "followers")
		minInsync := rapid.IntRange(1, 8).Draw(t, "min")
		var want model.Offset
		for end := model.Offset(1); end <= leader; end++ {
			holders := 1
			for _, f := range followers {
				if f >= end {
					holders++
				}
			}
			if holders >= isr.CommitQuorum(len(followers)+1, minInsync) {
				want = end
			}
		}
		if got := HighWatermark(leader, followers, minInsync); got != want {
			t.Fatalf("HighWatermark(%d, %v, %d) = %d, want %d", leader, followers, minInsync, got, want)
		}
	})
}
