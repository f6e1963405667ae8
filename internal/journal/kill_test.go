package journal

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// envCount has the test's own program count in a journal, as a process that can be killed.
const envCount = "JOURNAL_TEST_COUNTS_AT"

func TestMain(m *testing.M) {
	if path := os.Getenv(envCount); path != "" {
		if err := count(path); err != nil {
			fmt.Println(err)
		}
		return
	}
	m.Run()
}

// count goes on where the journal stands, and says each number once it is written. Beside
// it stands enough for a snapshot to be due every few numbers.
func count(path string) error {
	j, state, err := Open(path)
	if err != nil {
		return err
	}
	number, err := last(state)
	if err != nil {
		return err
	}
	for {
		number++
		text, err := json.Marshal(map[string]string{"number": strconv.Itoa(number), "more": strings.Repeat("x", leastLog/8)})
		if err != nil {
			return err
		}
		if err := j.Append(text, func() ([]byte, error) { return text, nil }); err != nil {
			return err
		}
		fmt.Println(number)
	}
}

// last returns the number that a journal is at.
func last(state State) (int, error) {
	text := state.Snapshot
	if n := len(state.Changes); n > 0 {
		text = state.Changes[n-1]
	}
	if text == nil {
		return 0, nil
	}
	var said map[string]string
	if err := json.Unmarshal(text, &said); err != nil {
		return 0, err
	}
	return strconv.Atoi(said["number"])
}

// TestKilled kills a process that writes, again and again, and finds what it said to have written.
func TestKilled(t *testing.T) {
	t.Parallel()
	path := place(t)
	for kill := range 15 {
		writer := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$") //nolint:gosec // this very program
		writer.Env = append(os.Environ(), envCount+"="+path)
		out, err := writer.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := writer.Start(); err != nil {
			t.Fatal(err)
		}
		said := 0
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			number, err := strconv.Atoi(lines.Text())
			if err != nil {
				t.Fatal(lines.Text())
			}
			if said = number; n == kill {
				if err := writer.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := writer.Wait(); writer.ProcessState.Exited() {
			t.Fatalf("it ended by itself: %v", err)
		}
		state, err := Read(path)
		if err != nil {
			t.Fatal(err)
		}
		if found, err := last(state); err != nil || found < said || found > said+1 {
			t.Fatalf("it said that it had written %d, and there is %d, %v", said, found, err)
		}
	}
}
