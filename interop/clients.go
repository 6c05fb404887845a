package main

import "path/filepath"

func runJavaClient(s *suiteRun) {
	for _, class := range []string{"Records", "Groups", "Admins"} {
		args := append(s.tools.java(), "-cp", filepath.Join(s.tools.kafkaJars, "*")+":"+s.tools.javaClasses,
			class, s.broker.addr, s.topic(""))
		s.program(class, command{args: args})
	}
}

func runPython(s *suiteRun) {
	for _, name := range []string{"confluent_client", "kafka_python_client", "aiokafka_client"} {
		s.program(name, command{args: []string{s.tools.python, "-u",
			filepath.Join(s.tools.sources, "python", name+".py"), s.broker.addr, s.topic("")}})
	}
}

func runKafkaJS(s *suiteRun) {
	s.program("kafkajs", command{env: []string{"NODE_PATH=" + s.tools.nodeModules, "KAFKAJS_NO_PARTITIONER_WARNING=1"},
		args: []string{"node", filepath.Join(s.tools.sources, "kafkajs", "client.js"), s.broker.addr, s.topic("")}})
}
