package main

import "path/filepath"

func runJavaClient(s *suiteRun) {
	for _, class := range []string{"Records", "Groups", "Admins"} {
		s.Program(class, s.tools.kafka.Program(class, s.broker.addr, s.topic("")))
	}
}

func runPython(s *suiteRun) {
	for _, name := range []string{"confluent_client", "kafka_python_client", "aiokafka_client"} {
		s.Program(name, line{Args: []string{s.tools.python, "-u",
			filepath.Join(s.tools.Sources, "python", name+".py"), s.broker.addr, s.topic("")}})
	}
}

func runKafkaJS(s *suiteRun) {
	s.Program("kafkajs", line{Env: []string{"NODE_PATH=" + s.tools.nodeModules, "KAFKAJS_NO_PARTITIONER_WARNING=1"},
		Args: []string{"node", filepath.Join(s.tools.Sources, "kafkajs", "client.js"), s.broker.addr, s.topic("")}})
}
