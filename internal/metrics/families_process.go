package metrics

import "runtime"

// processFamilies are what the operating system and Go's runtime know of this
// process, under the names that Prometheus's clients give it.
func processFamilies() []family {
	return []family{
		{
			name: "chronik_build_info", kind: gauge, labels: []string{"version", "goversion"},
			help:    "1, with what is running.",
			collect: func(s *scrape, out *output) { out.add(1, s.version, runtime.Version()) },
		},
		{
			name: "process_start_time_seconds", kind: gauge,
			help:    "When the process started, in seconds since 1970.",
			collect: one(func(s *scrape) float64 { return float64(s.started.UnixMilli()) / 1000 }),
		},
		processFamily("process_cpu_seconds_total", counter, "Processor time used.",
			func(p *process) (float64, bool) { return p.processorSeconds, p.processorKnown }),
		processFamily("process_resident_memory_bytes", gauge, "Memory that is in use.",
			func(p *process) (float64, bool) { return p.resident, p.memoryKnown }),
		processFamily("process_virtual_memory_bytes", gauge, "Address space that is taken.",
			func(p *process) (float64, bool) { return p.virtual, p.memoryKnown }),
		processFamily("process_open_fds", gauge, "File descriptors that are open.",
			func(p *process) (float64, bool) { return p.open, p.descriptorsKnown }),
		processFamily("process_max_fds", gauge, "File descriptors that may be open.",
			func(p *process) (float64, bool) { return p.most, p.descriptorsKnown }),
		processFamily("go_goroutines", gauge, "Goroutines.",
			func(p *process) (float64, bool) { return float64(p.goroutines), true }),
		processFamily("go_memstats_heap_alloc_bytes", gauge, "Memory of Go's objects, those not collected yet included.",
			func(p *process) (float64, bool) { return p.heap, true }),
		processFamily("go_memstats_heap_inuse_bytes", gauge, "Memory that Go's heap has in use.",
			func(p *process) (float64, bool) { return p.inUse, true }),
		processFamily("go_memstats_alloc_bytes_total", counter, "Bytes that Go has allocated, those freed since included.",
			func(p *process) (float64, bool) { return p.allocated, true }),
		processFamily("go_memstats_mallocs_total", counter, "Objects that Go has allocated, those freed since included.",
			func(p *process) (float64, bool) { return p.objects, true }),
		processFamily("go_memstats_sys_bytes", gauge, "Memory that Go has from the system.",
			func(p *process) (float64, bool) { return p.taken, true }),
		processFamily("chronik_gc_cycles_total", counter, "Collections of Go's heap.",
			func(p *process) (float64, bool) { return p.collections, true }),
	}
}

func processFamily(name string, kind familyKind, help string, value func(*process) (float64, bool)) family {
	return family{
		name: name, kind: kind, help: help,
		collect: oneKnown(func(s *scrape) (float64, bool) { return value(&s.process) }),
	}
}
