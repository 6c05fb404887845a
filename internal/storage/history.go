package storage

import "github.com/chronik/chronik/internal/model"

// Epochs is where each leader epoch of a log begins, by the rules of a Log, for a
// log that is kept by other means: the simulator's and the explorer's. A copy does not
// see what is done to the other.
type Epochs struct{ cache epochCache }

// Last is the newest epoch; NoLeaderEpoch where there is none.
func (e *Epochs) Last() model.LeaderEpoch {
	if last, ok := e.cache.latest(); ok {
		return last.epoch
	}
	return model.NoLeaderEpoch
}

// EndOf is the greatest epoch that is not greater than asked, and where it ends in
// a log of [start, end); NoLeaderEpoch and start where there is none.
func (e *Epochs) EndOf(asked model.LeaderEpoch, start, end model.Offset) (model.LeaderEpoch, model.Offset) {
	for i := len(e.cache) - 1; i >= 0; i-- {
		if e.cache[i].epoch <= asked {
			return e.cache[i].epoch, end
		}
		end = e.cache[i].start
	}
	return model.NoLeaderEpoch, start
}

// Begin records where an epoch begins. Epochs without records that begin at the same
// place leave no trace.
func (e *Epochs) Begin(epoch model.LeaderEpoch, start model.Offset) {
	e.cache, _ = e.cache.assign(epoch, start)
}

// TruncateEnd forgets epochs that begin at or after end.
func (e *Epochs) TruncateEnd(end model.Offset) { e.cache, _ = e.cache.truncateEnd(end) }

// TruncateStart forgets epochs that ended before start.
func (e *Epochs) TruncateStart(start model.Offset) { e.cache, _ = e.cache.truncateStart(start) }

// All yields the epochs, oldest first, with where they begin.
func (e *Epochs) All() func(yield func(model.LeaderEpoch, model.Offset) bool) {
	return func(yield func(model.LeaderEpoch, model.Offset) bool) {
		for _, entry := range e.cache {
			if !yield(entry.epoch, entry.start) {
				return
			}
		}
	}
}

// EndOf is what Epochs.EndOf is, for the log itself.
func (l *Log) EndOf(asked model.LeaderEpoch) (model.LeaderEpoch, model.Offset) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	e := Epochs{l.epochs}
	return e.EndOf(asked, l.start, l.end)
}
