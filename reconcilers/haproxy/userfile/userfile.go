// Package userfile reads the configuration files of HAProxy that are not ours.
//
// In: paths. Out: what must be known of these files to stay out of their way. They are
// only ever read: client-native's parser would reorder and drop what it writes.
package userfile

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"

	parser "github.com/haproxytech/client-native/v5/config-parser"
	"github.com/haproxytech/client-native/v5/config-parser/options"
	"github.com/haproxytech/client-native/v5/config-parser/types"

	"github.com/lockstep/lockstep/reconcilers/haproxy/bind"
)

// Facts is what we need to know of files that are not ours.
type Facts struct {
	Binds       []Bind            // those with a port
	StatsSocket string            // the first unix socket of the global section with level admin
	HardStop    bool              // they bound old workers themselves
	Client      bool              // they may use HAProxy's own HTTP client
	DH          int               // the size of Diffie-Hellman keys that they ask for; 0: none
	Sections    map[string]string // paths of the files by the kinds and names of frontends, backends and listeners
}

// dhPattern finds the size of Diffie-Hellman keys that a global section asks for.
var dhPattern = regexp.MustCompile(`(?m)^\s*tune\.ssl\.default-dh-param\s+(\d+)`)

// A Bind is an address on which a file that is not ours listens.
type Bind struct {
	bind.Address
	Place string // "frontend www of /etc/haproxy/haproxy.cfg"
}

// Read reads files and, for those that are directories, their *.cfg. It fails for one that
// can't be read, or that client-native can't parse; what is wrong besides is HAProxy's to say.
func Read(paths []string) (Facts, error) {
	f := Facts{Sections: map[string]string{}}
	for _, path := range paths {
		files, err := configFiles(path)
		if err != nil {
			return f, err
		}
		for _, file := range files {
			if err := f.read(file); err != nil {
				return f, err
			}
		}
	}
	return f, nil
}

func configFiles(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("HAProxy's configuration file %s (--haproxy-config): %w", path, err)
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, fmt.Errorf("HAProxy's configuration directory %s (--haproxy-config): %w", path, err)
	}
	var files []string
	for _, entry := range entries {
		if name := entry.Name(); strings.HasSuffix(name, ".cfg") && !strings.HasPrefix(name, ".") {
			files = append(files, path+"/"+name)
		}
	}
	return files, nil
}

func (f *Facts) read(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("HAProxy's configuration file %s (--haproxy-config): %w", path, err)
	}
	f.HardStop = f.HardStop || strings.Contains(string(text), "hard-stop-after")
	f.Client = f.Client || strings.Contains(string(text), "httpclient") || strings.Contains(string(text), "lua-load")
	for _, found := range dhPattern.FindAllStringSubmatch(string(text), -1) {
		f.DH, _ = strconv.Atoi(found[1]) // digits
	}
	p, err := parser.New(options.Reader(strings.NewReader(string(text))), options.UseListenSectionParsers)
	if err != nil {
		return fmt.Errorf("HAProxy's configuration file %s can't be parsed: %w; check it with haproxy -c -f %s", path, err, path)
	}
	if data, err := p.Get(parser.Global, parser.GlobalSectionName, "stats socket"); err == nil {
		if sockets, ok := data.([]types.Socket); ok {
			f.readSockets(sockets)
		}
	}
	for _, section := range []parser.Section{parser.Frontends, parser.Backends, parser.Listen} {
		names, err := p.SectionsGet(section)
		if err != nil {
			continue // none of this kind
		}
		for _, name := range names {
			f.Sections[string(section)+" "+name] = path
			data, err := p.Get(section, name, "bind")
			if err != nil {
				continue // a section without one
			}
			if binds, ok := data.([]types.Bind); ok {
				f.readBinds(binds, fmt.Sprintf("%s %s of %s", section, name, path))
			}
		}
	}
	return nil
}

func (f *Facts) readSockets(sockets []types.Socket) {
	for _, socket := range sockets {
		path := strings.TrimPrefix(socket.Path, "unix@")
		if f.StatsSocket == "" && strings.HasPrefix(path, "/") {
			f.StatsSocket = path
		}
	}
}

// readBinds keeps those that name a port; what it can't read it leaves to HAProxy.
func (f *Facts) readBinds(binds []types.Bind, place string) {
	for _, b := range binds {
		for address := range strings.SplitSeq(b.Path, ",") {
			address = strings.TrimPrefix(strings.TrimPrefix(address, "ipv4@"), "ipv6@")
			if parsed, err := bind.Parse(address); err == nil {
				f.Binds = append(f.Binds, Bind{Address: parsed, Place: place})
			}
		}
	}
}
