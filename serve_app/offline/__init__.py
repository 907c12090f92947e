"""The service's lists without the service: no Ray, no HTTP, for notebooks and nightly jobs.

from serve_app.offline import Recommender

with Recommender.from_workspace("workspace") as shop:
shop.recommend(["shopper-0001"], k=5).to_pandas()
"""

from serve_app.offline.recommender import Recommender

__all__ = ["Recommender"]
