//===- MinCut.h - Smallest cut of a graph with weighted vertices ----------===//
///
/// \file
/// Vertices carry values; an edge a -> b says that b can be computed from a.
/// Some vertices are roots (cannot be computed: they must be kept if anything
/// behind them is wanted), some are wanted. The cheapest set of vertices to
/// keep, so that every wanted one can be computed from kept ones, is a minimum
/// vertex cut between roots and wanted vertices [Moses et al., SC 2021].
///
///   root a (8) -> b (4) -> c (8), wanted b and c: keep b
///
/// Computing a vertex may have a price of its own: then it is a root whose edge
/// from the source has that capacity, and the cut may go through it (pay) or
/// through the vertex (keep).
///
/// Of several smallest cuts the one nearest to the wanted vertices is taken.
/// Dinic's algorithm; capacities are finite numbers, `Infinite` is never cut.
//===----------------------------------------------------------------------===//
#ifndef PYFRONT_PLAN_MINCUT_H
#define PYFRONT_PLAN_MINCUT_H

#include "llvm/ADT/SmallVector.h"
#include <vector>

namespace pyfront {

class MinCut {
public:
  static constexpr double Infinite = 1e300;

  /// How many vertices there will be, about.
  void reserve(unsigned Count) { Arcs.reserve(2 + 2 * Count); }
  /// A new vertex, kept at cost `Weight`.
  unsigned addVertex(double Weight);
  void addEdge(unsigned From, unsigned To);
  /// What it costs to have `V` without keeping it: `Infinite` for a root.
  void setPrice(unsigned V, double Price);
  void setWanted(unsigned V);

  /// Runs once; the total cost.
  double solve();
  bool isKept(unsigned V) const { return Kept[V]; }

private:
  struct Arc {
    unsigned To;
    double Capacity;
    unsigned Reverse;
  };
  static constexpr unsigned Source = 0, Sink = 1;
  static unsigned in(unsigned V) { return 2 + 2 * V; }
  static unsigned out(unsigned V) { return 3 + 2 * V; }
  void addArc(unsigned From, unsigned To, double Capacity);
  bool level();
  double push(unsigned Node, double Limit);

  std::vector<llvm::SmallVector<Arc, 4>> Arcs{2};
  std::vector<int> Level;
  std::vector<unsigned> Next;
  std::vector<bool> Kept;
  unsigned Vertices = 0;
};

} // namespace pyfront

#endif
