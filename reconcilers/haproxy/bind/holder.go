package bind

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// holder returns the process that listens on a port, and its name with the pid,
// when that can be seen.
func holder(port int) (pid int, who string) {
	var inodes []string
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		inodes = append(inodes, listening(table, port)...)
	}
	if len(inodes) == 0 {
		return 0, ""
	}
	links, err := filepath.Glob("/proc/[0-9]*/fd/*")
	if err != nil {
		return 0, ""
	}
	for _, link := range links {
		target, err := os.Readlink(link)
		if err != nil || !strings.HasPrefix(target, "socket:[") || !slices.Contains(inodes, target[8:len(target)-1]) {
			continue
		}
		number := strings.Split(link, "/")[2]
		if pid, err = strconv.Atoi(number); err != nil {
			continue
		}
		name, err := os.ReadFile("/proc/" + number + "/comm")
		if err != nil {
			return pid, "process " + number
		}
		return pid, fmt.Sprintf("%s (pid %s)", strings.TrimSpace(string(name)), number)
	}
	return 0, ""
}

// Ports returns the ports on which processes listen for TCP: those that ours says yes to,
// as far as we may look into them.
func Ports(ours func(pid int) bool) map[int]bool {
	byInode := map[string]int{}
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		eachListener(table, func(inode string, port int) { byInode[inode] = port })
	}
	ports := map[int]bool{}
	directories, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil
	}
	for _, directory := range directories {
		pid, err := strconv.Atoi(filepath.Base(directory))
		if err != nil || !ours(pid) {
			continue
		}
		links, err := filepath.Glob(directory + "/fd/*")
		if err != nil {
			continue
		}
		for _, link := range links {
			target, err := os.Readlink(link)
			if err != nil || !strings.HasPrefix(target, "socket:[") {
				continue
			}
			if port, listens := byInode[target[8:len(target)-1]]; listens {
				ports[port] = true
			}
		}
	}
	return ports
}

// listening returns the inodes of the sockets that listen on a port.
func listening(table string, port int) []string {
	var inodes []string
	eachListener(table, func(inode string, at int) {
		if at == port {
			inodes = append(inodes, inode)
		}
	})
	return inodes
}

// eachListener calls f for every socket of the table that listens. A table that
// can't be read has none.
func eachListener(table string, f func(inode string, port int)) {
	file, err := os.Open(table)
	if err != nil {
		return
	}
	defer file.Close()
	for scanner := bufio.NewScanner(file); scanner.Scan(); {
		words := strings.Fields(scanner.Text())
		if len(words) <= 9 || words[3] != "0A" {
			continue
		}
		_, hex, _ := strings.Cut(words[1], ":")
		if port, err := strconv.ParseUint(hex, 16, 16); err == nil {
			f(words[9], int(port))
		}
	}
}
