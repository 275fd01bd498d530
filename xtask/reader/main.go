// Reads manifests as kubectl does, by the decoder that kubectl has, for whoever wants a second opinion.
//
// Each line on stdin is a file's text as a JSON string; each line on stdout says what was read of it:
// {"documents": [...], "error": "..."}. What was read before an error stands there too.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"log"
	"os"
	"strings"

	"k8s.io/apimachinery/pkg/util/yaml"
)

type answer struct {
	Documents []json.RawMessage `json:"documents"`
	Error     string            `json:"error,omitempty"`
}

func read(text string) answer {
	// As k8s.io/cli-runtime makes it.
	decoder := yaml.NewYAMLOrJSONDecoder(strings.NewReader(text), 4096)
	said := answer{Documents: []json.RawMessage{}}
	for {
		var document json.RawMessage
		err := decoder.Decode(&document)
		if errors.Is(err, io.EOF) {
			return said
		}
		if err != nil {
			said.Error = err.Error()
			return said
		}
		if len(document) > 0 {
			said.Documents = append(said.Documents, document)
		}
	}
}

func main() {
	in := bufio.NewReader(os.Stdin)
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	for {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			log.Fatal(err)
		}
		var text string
		if err := json.Unmarshal(line, &text); err != nil {
			log.Fatal(err)
		}
		if err := out.Encode(read(text)); err != nil {
			log.Fatal(err)
		}
	}
}
