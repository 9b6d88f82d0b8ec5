package layout

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// link is a link of Markdown to somewhere in this tree.
var link = regexp.MustCompile(`\]\(([^)#:\s]+)(?:#[^)]*)?\)`)

func TestLinksLeadSomewhere(t *testing.T) {
	for _, file := range sources(t) {
		if path.Ext(file) != ".md" {
			continue
		}
		text, err := os.ReadFile(filepath.Join(moduleRoot, file))
		if err != nil {
			t.Fatal(err)
		}
		for _, target := range targets(string(text)) {
			if _, err := os.Stat(filepath.Join(moduleRoot, path.Dir(file), target)); err != nil {
				t.Errorf("%s links to %s, which is not there", file, target)
			}
		}
	}
}

// targets lists where the links of a page lead that stay in the tree.
func targets(page string) (list []string) {
	for _, found := range link.FindAllStringSubmatch(page, -1) {
		list = append(list, found[1])
	}
	return list
}

func TestTargets(t *testing.T) {
	page := "[a](docs/a.md), [b](b.md#part) and [c](https://c.example/d.md), [d](#here), a function (f.md)"
	if got := strings.Join(targets(page), " "); got != "docs/a.md b.md" {
		t.Errorf("found %q", got)
	}
}
