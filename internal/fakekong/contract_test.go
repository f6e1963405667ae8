package fakekong

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/lockstep/lockstep/internal/contract"
)

// The contract is what a real Kong answered, recorded.

// exchange is one recorded request with its answer.
type exchange struct {
	Step    string
	Request struct {
		Method, Path string
		Body         json.RawMessage
		Raw          *string
	}
	Response struct {
		Status  int
		Headers map[string]string
		Body    any
	}
}

// exceptions are the steps that this Kong answers differently, by mode ("postgres: …",
// "off: …"), each with the reason. There are none at present.
// A step that agrees after all fails the test, so that the list stays true.
var exceptions = map[string]string{}

func TestContractWithDatabase(t *testing.T) {
	replay(t, "db.jsonl", Database)
}

func TestContractWithoutDatabase(t *testing.T) {
	replay(t, "dbless.jsonl", DBLess)
}

// replay sends every recorded request in order, once with the package's own schemas
// and once with all of the real Kong's.
func replay(t *testing.T, file string, mode Mode) {
	t.Helper()
	for name, schemas := range map[string][]byte{"own schemas": nil, "Kong's schemas": contractFile(t, "schemas.json")} {
		t.Run(name, func(t *testing.T) {
			k := start(t, Options{Mode: mode, Schemas: schemas})
			ids := &idQueue{}
			k.newID = ids.next
			same := newMatcher()
			cert, key := pair(t)
			same.words = strings.NewReplacer("{CERT_PEM}", cert, "{KEY_PEM}", key)
			passed := 0
			for _, x := range exchanges[exchange](t, file) {
				ids.expect(x)
				diff := same.check(t, k, x)
				reason, excepted := exceptions[string(mode)+": "+x.Step]
				switch {
				case excepted && diff == "":
					t.Errorf("%s: agrees with Kong now: take it off the exceptions", x.Step)
				case excepted:
					t.Logf("%s: excepted: %s", x.Step, reason)
				case diff != "":
					t.Errorf("%s: %s %s (-Kong +ours):\n%s", x.Step, x.Request.Method, x.Request.Path, diff)
				default:
					passed++
				}
			}
			if t.Logf("%d exchanges agree", passed); passed == 0 {
				t.Error("nothing was compared")
			}
		})
	}
}

// idQueue hands out the ids that the real Kong made up, so that orders and links agree too.
type idQueue struct{ ids []string }

func (q *idQueue) next() string {
	if len(q.ids) == 0 {
		return uuid.NewString()
	}
	id := q.ids[0]
	q.ids = q.ids[1:]
	return id
}

// expect reads the id of an entity that the exchange makes.
func (q *idQueue) expect(x exchange) {
	q.ids = nil
	body, _ := x.Response.Body.(map[string]any)
	if id, ok := body["id"].(string); ok && x.Request.Method != http.MethodGet {
		q.ids = []string{id}
	}
}

func contractFile(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(contract.Find(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// exchanges reads a file of one JSON object a line.
func exchanges[T any](t *testing.T, name string) []T {
	t.Helper()
	var out []T
	lines := bufio.NewScanner(bytes.NewReader(contractFile(t, name)))
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var x T
		unmarshal(t, lines.Bytes(), &x)
		out = append(out, x)
	}
	if err := lines.Err(); err != nil || len(out) == 0 {
		t.Fatalf("%d recorded in %s: %v", len(out), name, err)
	}
	return out
}

func unmarshal(t *testing.T, data []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatalf("%v in %.200s", err, data)
	}
}
