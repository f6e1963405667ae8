package v1

import "slices"

// WithoutSecrets returns the service as it may be kept: plugins' values that are
// secrets are left out, and are still marked as such.
func (s Service) WithoutSecrets() Service {
	s.Plugins = withSettings(s.Plugins, Setting.sealed)
	s.Routes = slices.Clone(s.Routes)
	for i := range s.Routes {
		s.Routes[i].Plugins = withSettings(s.Routes[i].Plugins, Setting.sealed)
	}
	return s
}

func (s Setting) sealed() Setting {
	if s.Secret {
		s.Value = ""
	}
	return s
}

// WithSecretsOf returns the service with the secrets that WithoutSecrets left out, as
// present has them: those of the same plugin and path, at the same place or else
// anywhere in the service. missing names the ones that it does not have, as labels
// would say them; without them the service asks for something else.
func (s Service) WithSecretsOf(present Service) (whole Service, missing []string) {
	fill := func(plugins []Plugin, same []Plugin, place string) []Plugin {
		out := slices.Clone(plugins)
		for i := range out {
			name := out[i].Name
			out[i].Settings = slices.Clone(out[i].Settings)
			for j := range out[i].Settings {
				setting := &out[i].Settings[j]
				if !setting.Secret || setting.Value != "" {
					continue
				}
				if setting.Value = present.secret(same, name, setting.Path); setting.Value == "" {
					missing = append(missing, place+wordPlugins+"."+name+"."+wordConfig+"."+setting.Path)
				}
			}
		}
		return out
	}
	s.Plugins = fill(s.Plugins, present.Plugins, "")
	s.Routes = slices.Clone(s.Routes)
	for i := range s.Routes {
		r := &s.Routes[i]
		var same []Plugin
		if at := slices.IndexFunc(present.Routes, func(other Route) bool { return other.Name == r.Name }); at >= 0 {
			same = present.Routes[at].Plugins
		}
		r.Plugins = fill(r.Plugins, same, wordRoutes+"."+r.Name[len(s.Name)+1:]+".")
	}
	return s, missing
}

// secret looks a secret up: first among the plugins of the same place.
func (s *Service) secret(same []Plugin, plugin, path string) string {
	lists := [][]Plugin{same, s.Plugins}
	for i := range s.Routes {
		lists = append(lists, s.Routes[i].Plugins)
	}
	for _, plugins := range lists {
		for _, p := range plugins {
			if p.Name != plugin {
				continue
			}
			for _, setting := range p.Settings {
				if setting.Path == path && setting.Secret && setting.Value != "" {
					return setting.Value
				}
			}
		}
	}
	return ""
}

// withSettings returns plugins whose settings are changed; the originals stay.
func withSettings(plugins []Plugin, change func(Setting) Setting) []Plugin {
	out := slices.Clone(plugins)
	for i := range out {
		out[i].Settings = slices.Clone(out[i].Settings)
		for j, setting := range out[i].Settings {
			out[i].Settings[j] = change(setting)
		}
	}
	return out
}
