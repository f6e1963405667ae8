package haproxy

import (
	"fmt"
	"os"
	"strings"

	parser "github.com/haproxytech/client-native/v5/config-parser"
	"github.com/haproxytech/client-native/v5/config-parser/options"
	"github.com/haproxytech/client-native/v5/config-parser/types"

	"github.com/lockstep/lockstep/reconcilers/haproxy/bind"
)

// userFiles is what we need to know of files that are not ours. They are only
// ever read: client-native's parser would reorder and drop what it writes.
type userFiles struct {
	binds       []userBind
	statsSocket string            // the first unix socket of the global section with level admin
	hardStop    bool              // they bound old workers themselves
	client      bool              // they may use HAProxy's own HTTP client
	sections    map[string]string // paths of the files by the kinds and names of frontends, backends and listeners
}

// userBind is a bind in a file that is not ours.
type userBind struct {
	bind.Address
	place string // "frontend www of /etc/haproxy/haproxy.cfg"
}

// readUserFiles reads files and, for those that are directories, their *.cfg.
func readUserFiles(paths []string) (userFiles, error) {
	u := userFiles{sections: map[string]string{}}
	for _, path := range paths {
		files, err := configFiles(path)
		if err != nil {
			return u, err
		}
		for _, file := range files {
			if err := u.read(file); err != nil {
				return u, err
			}
		}
	}
	return u, nil
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

func (u *userFiles) read(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("HAProxy's configuration file %s (--haproxy-config): %w", path, err)
	}
	u.hardStop = u.hardStop || strings.Contains(string(text), "hard-stop-after")
	u.client = u.client || strings.Contains(string(text), "httpclient") || strings.Contains(string(text), "lua-load")
	p, err := parser.New(options.Reader(strings.NewReader(string(text))), options.UseListenSectionParsers)
	if err != nil {
		return fmt.Errorf("HAProxy's configuration file %s can't be parsed: %w; check it with haproxy -c -f %s", path, err, path)
	}
	if data, err := p.Get(parser.Global, parser.GlobalSectionName, "stats socket"); err == nil {
		if sockets, ok := data.([]types.Socket); ok {
			u.readSockets(sockets)
		}
	}
	for _, section := range []parser.Section{parser.Frontends, parser.Backends, parser.Listen} {
		names, err := p.SectionsGet(section)
		if err != nil {
			continue // none of this kind
		}
		for _, name := range names {
			u.sections[string(section)+" "+name] = path
			data, err := p.Get(section, name, "bind")
			if err != nil {
				continue // a section without one
			}
			if binds, ok := data.([]types.Bind); ok {
				u.readBinds(binds, fmt.Sprintf("%s %s of %s", section, name, path))
			}
		}
	}
	return nil
}

func (u *userFiles) readSockets(sockets []types.Socket) {
	for _, socket := range sockets {
		path := strings.TrimPrefix(socket.Path, "unix@")
		if u.statsSocket == "" && strings.HasPrefix(path, "/") {
			u.statsSocket = path
		}
	}
}

// readBinds keeps those that name a port; what it can't read it leaves to HAProxy.
func (u *userFiles) readBinds(binds []types.Bind, place string) {
	for _, b := range binds {
		for address := range strings.SplitSeq(b.Path, ",") {
			address = strings.TrimPrefix(strings.TrimPrefix(address, "ipv4@"), "ipv6@")
			if parsed, err := bind.Parse(address); err == nil {
				u.binds = append(u.binds, userBind{Address: parsed, place: place})
			}
		}
	}
}
