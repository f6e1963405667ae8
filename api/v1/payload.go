package v1

import (
	"fmt"
	"strconv"
)

// maxPayload is how many bytes a check says or expects at most.
const maxPayload = 128

// Payload returns the bytes that a text stands for, in which \r, \n, \t, \\ and \xHH
// are those of Go and C; false when it holds another escape, is empty, or
// stands for more than 128 bytes.
func Payload(text string) ([]byte, bool) {
	var out []byte
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			out = append(out, text[i])
			continue
		}
		if i++; i == len(text) {
			return nil, false
		}
		switch text[i] {
		case 'r':
			out = append(out, '\r')
		case 'n':
			out = append(out, '\n')
		case 't':
			out = append(out, '\t')
		case '\\':
			out = append(out, '\\')
		case 'x':
			if len(text)-i < 3 {
				return nil, false
			}
			n, err := strconv.ParseUint(text[i+1:i+3], 16, 8)
			if err != nil {
				return nil, false
			}
			out = append(out, byte(n))
			i += 2
		default:
			return nil, false
		}
	}
	return out, 0 < len(out) && len(out) <= maxPayload
}

// checkPayload takes what Payload reads.
func checkPayload(text string) (string, *fault) {
	if wrong := payloadChars.refuse("text", text); wrong != nil {
		wrong.fix = `write \x20 for a space, and the like for what else a label can't hold`
		return "", wrong
	}
	if _, ok := Payload(text); !ok {
		return "", &fault{
			message: fmt.Sprintf("%s is no text of 1 to %d bytes", shown(text), maxPayload),
			fix:     `after \ write r, n, t, \ or x and two hexadecimal digits, for example PING\r\n or \x00\x0a`,
		}
	}
	return text, nil
}
