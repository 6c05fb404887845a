package metrics

import "runtime"

// process is what the operating system and Go's runtime know of this process.
type process struct {
	virtual, resident  float64 // bytes
	memoryKnown        bool
	open, most         float64 // file descriptors
	descriptorsKnown   bool
	processorSeconds   float64
	processorKnown     bool
	goroutines         int
	heap, inUse, taken float64 // bytes: of live and dead objects, of their spans, from the system
	allocated, objects float64 // since the start: bytes, and how many
	collections        float64
}

func thisProcess() process {
	p := process{goroutines: runtime.NumGoroutine()}
	p.virtual, p.resident, p.memoryKnown = memory()
	p.open, p.most, p.descriptorsKnown = descriptors()
	p.processorSeconds, p.processorKnown = processorSeconds()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	p.heap, p.inUse, p.taken = float64(m.HeapAlloc), float64(m.HeapInuse), float64(m.Sys)
	p.allocated, p.objects = float64(m.TotalAlloc), float64(m.Mallocs)
	p.collections = float64(m.NumGC)
	return p
}
