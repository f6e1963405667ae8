package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"sigs.k8s.io/yaml"
)

// template FILE JOB runs the script lines of one job of a template for a CI, as its
// runner does: line by line in one shell, until one fails.
func template(_ context.Context, s story, file string, args []string) error {
	if len(args) != 1 {
		return errors.New("usage: template FILE JOB")
	}
	text, err := os.ReadFile(filepath.Join("..", "manifests", "ci", file))
	if err != nil {
		return err
	}
	lines, err := scriptOf(text, args[0])
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return s.Exec("sh", "-euc", strings.Join(lines, "\n"))
}

// scriptOf returns the script lines of a job of GitLab's or GitHub's.
func scriptOf(text []byte, job string) ([]string, error) {
	type steps struct {
		Script []string
		Steps  []struct{ Run string }
	}
	var gitlab map[string]any
	var github struct{ Jobs map[string]steps }
	if err := errors.Join(yaml.Unmarshal(text, &gitlab), yaml.Unmarshal(text, &github)); err != nil {
		return nil, err
	}
	found, has := github.Jobs[job]
	if !has {
		part, err := yaml.Marshal(gitlab[job])
		if err == nil {
			err = yaml.Unmarshal(part, &found)
		}
		if err != nil {
			return nil, err
		}
	}
	lines := found.Script
	for _, step := range found.Steps {
		if step.Run != "" {
			lines = append(lines, step.Run)
		}
	}
	if len(lines) == 0 {
		return nil, fmt.Errorf("there is no job %q with a script", job)
	}
	return lines, nil
}
