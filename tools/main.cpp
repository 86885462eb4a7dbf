// The program: everything else is a library that tests can link.
#include "tools/commands.hpp"

int main(int argc, char** argv) { return sluice::tools::run(argc, argv); }
