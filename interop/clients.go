package main

import (
	"path/filepath"
	"strconv"
)

// arguments are those of a client program: where to begin, what the names of its topics
// begin with, and how many brokers there are.
func (s *suiteRun) arguments() []string {
	return []string{s.broker.addr, s.topic(""), strconv.Itoa(s.broker.brokers)}
}

func runJavaClient(s *suiteRun) {
	for _, class := range []string{"Records", "Groups", "Admins"} {
		s.Program(class, s.tools.kafka.Program(class, s.arguments()...))
	}
}

func runPython(s *suiteRun) {
	for _, name := range []string{"confluent_client", "kafka_python_client", "aiokafka_client"} {
		program := []string{s.tools.python, "-u", filepath.Join(s.tools.Sources, "python", name+".py")}
		s.Program(name, line{Args: append(program, s.arguments()...)})
	}
}

func runKafkaJS(s *suiteRun) {
	s.Program("kafkajs", line{Env: []string{"NODE_PATH=" + s.tools.nodeModules, "KAFKAJS_NO_PARTITIONER_WARNING=1"},
		Args: append([]string{"node", filepath.Join(s.tools.Sources, "kafkajs", "client.js")}, s.arguments()...)})
}
