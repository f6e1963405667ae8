package routing

import (
	"strings"
)

// reserved are the characters that stay percent-encoded: decoding them would change what a path means.
const reserved = "!#$%&'()*+,/:;=?@[]"

// Normalize brings a path without query into the form in which Kong matches it:
// escapes of unreserved characters are decoded, other escapes get upper-case
// digits, "//" becomes "/", and "." and ".." segments are resolved.
func Normalize(path string) string {
	if path == "/" {
		return path
	}
	return segments(decode(path))
}

// decode resolves the escapes that may be resolved.
func decode(path string) string {
	if !strings.Contains(path, "%") {
		return path
	}
	var b strings.Builder
	for i := 0; i < len(path); i++ {
		if path[i] != '%' || i+2 >= len(path) || !isHex(path[i+1]) || !isHex(path[i+2]) {
			b.WriteByte(path[i])
			continue
		}
		c := unhex(path[i+1])<<4 | unhex(path[i+2])
		if strings.IndexByte(reserved, c) >= 0 {
			b.WriteString(strings.ToUpper(path[i : i+3]))
		} else {
			b.WriteByte(c)
		}
		i += 2
	}
	return b.String()
}

// segments merges slashes and resolves dot segments.
func segments(path string) string {
	var out []string
	parts := strings.Split(path, "/")
	for i, p := range parts {
		last := i == len(parts)-1
		switch p {
		case "":
			if last && i > 0 {
				out = append(out, "")
			}
		case ".":
			if last {
				out = append(out, "")
			}
		case "..":
			if len(out) > 0 {
				out = out[:len(out)-1]
			}
			if last {
				out = append(out, "")
			}
		default:
			out = append(out, p)
		}
	}
	joined := strings.Join(out, "/")
	if strings.HasPrefix(path, "/") {
		return "/" + joined
	}
	return joined
}

// Escape is the inverse of Normalize's decoding: what a request line can't hold is percent-encoded.
func Escape(path string) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(path) {
		c := path[i]
		if c > ' ' && c < 0x7f && strings.IndexByte("\"<>\\^`{|}", c) < 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(digits[c>>4])
		b.WriteByte(digits[c&15])
	}
	return b.String()
}

func isHex(c byte) bool { return strings.IndexByte("0123456789abcdefABCDEF", c) >= 0 }

func unhex(c byte) byte {
	switch {
	case c >= 'a':
		return c - 'a' + 10
	case c >= 'A':
		return c - 'A' + 10
	}
	return c - '0'
}
