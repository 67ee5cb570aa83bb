// A C program that loads the plugin named first, which nobody else sees the symbols of, runs it with
// the other arguments, and lets it go. Twice.
#include <dlfcn.h>
#include <stdio.h>

int main(int count, char **arguments) {
  for (int i = 0; i < 2; i++) {
    void *plugin = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
    if (!plugin) return puts(dlerror()), 1;
    int (*run)(int, char **) = (int (*)(int, char **))dlsym(plugin, "run");
    run(count - 1, arguments + 1);
    dlclose(plugin);
  }
  return 0;
}
